"""Every built-in template runs to its end: real rules, real likeness, scripted wording."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from app.adapters.models.embeddings import embed
from app.adapters.process import sandbox
from app.engine.catalog import catalog
from app.engine.graph.document import parse_graph
from app.engine.host import Outcome, RunRequest, StepRecord
from app.engine.runtime.compiler import compile  # noqa: A004 - the word of the domain
from app.engine.runtime.execute import execute
from app.engine.sdk import Answer, UpstreamFailed
from app.engine.testing import FakeHost

LIBRARY = Path(__file__).parents[2] / "app/services/templates/library"
APPROVE = {"review": Answer(choice="approve", comment="good", value="Dear Maria, we look into it.")}


@pytest.fixture(autouse=True)
async def _sandbox() -> AsyncIterator[None]:
    yield
    await sandbox.close()


def template(name: str) -> dict[str, Any]:
    return json.loads((LIBRARY / f"{name}.json").read_text())


class Run:
    """One run of a template, and what came of it."""

    def __init__(self, outcome: Outcome, host: FakeHost) -> None:
        self.outcome = outcome
        self.output = outcome.output
        self.host = host
        self.steps = host.journal.steps
        self.skipped = {path for path, step in self.steps.items() if step.status == "skipped"}


async def run(
    name: str, given: Any = None, answers: dict[str, Answer] | None = None, **world: Any
) -> Run:
    """Run a template with its example input, or with parts of it changed."""
    found = template(name)
    plan = compile(parse_graph(found["graph"]), catalog())
    host = FakeHost(world, python=sandbox.run_python, embed=embed)
    request = RunRequest(
        run_id="run_1",
        workspace_id="wsp_1",
        workflow_id="wfl_1",
        input={**found["example_input"], **(given or {})},
        answers=answers or {},
    )
    return Run(await execute(plan, request, host), host)


def green(ran: Run) -> None:
    failed = {path: step.error for path, step in ran.steps.items() if step.status == "failed"}
    assert (ran.outcome.status, failed) == ("succeeded", {})


def result(ran: Run, path: str) -> Any:
    step: StepRecord = ran.steps[path]
    return step.output["result"]


async def test_triage_asks_before_a_refund_and_sends_the_edited_reply():
    ran = await run("ticket-triage", models=["We are sorry."])
    assert ran.outcome.status == "waiting"
    question = ran.host.journal.approvals["review"].question
    assert question.value == "We are sorry."
    assert "money is asked for" in question.body

    ran = await run("ticket-triage", answers=APPROVE, models=["We are sorry."])
    green(ran)
    assert ran.output["reply"] == "Dear Maria, we look into it."
    assert (ran.output["topic"], ran.output["team"], ran.output["priority"]) == (
        "Billing",
        "Finance desk",
        "high",
    )
    assert ran.skipped == {"hold"}


async def test_triage_holds_back_a_rejected_reply():
    ran = await run(
        "ticket-triage",
        answers={"review": Answer(choice="reject", comment="too cold")},
        models=["No."],
    )
    green(ran)
    assert (ran.output["status"], ran.output["comment"], ran.output["draft"]) == (
        "held back",
        "too cold",
        "No.",
    )
    assert ran.skipped == {"go", "send"}


async def test_triage_lets_a_plain_ticket_through():
    ran = await run(
        "ticket-triage", {"message": "Would love a calendar view in the app."}, models=["Thanks!"]
    )
    green(ran)
    assert (ran.output["status"], ran.output["topic"], ran.output["reply"]) == (
        "ready to send",
        "Feature request",
        "Thanks!",
    )
    assert ran.skipped == {"review", "hold"}


INVOICE = {
    "vendor": "Bright Paper Ltd", "number": "BP-20417", "date": "14 March 2026", "currency": "GBP",
    "net": 435.0, "tax": 87.0, "total": 522.0,
}  # fmt: skip


async def test_invoice_is_read():
    ran = await run("invoice-extract", models=[json.dumps(INVOICE)])
    green(ran)
    assert ran.output == {"status": "complete", "invoice": INVOICE, "corrected": []}


async def test_invoice_is_right_even_when_the_model_invents():
    wrong = {
        **INVOICE,
        "vendor": "Foo Inc",
        "number": "12",
        "total": 435.0,
        "tax": 20,
        "date": None,
    }
    ran = await run("invoice-extract", models=[json.dumps(wrong)])
    green(ran)
    assert ran.output["invoice"] == INVOICE
    assert sorted(ran.output["corrected"]) == ["number", "tax", "total"]


async def test_invoice_survives_a_model_that_gives_no_data():
    ran = await run("invoice-extract", models=["I am not sure."] * 4)
    assert ran.outcome.status == "succeeded"
    assert ran.output["invoice"] == INVOICE


async def test_doubtful_invoice_says_what_to_look_at():
    text = "Bright Paper Ltd\nInvoice no.: BP-1\nNet: 1.000,00\nVAT: 190,00\nTotal: EUR 1.200,00"
    ran = await run(
        "invoice-extract", {"invoice": text}, models=[json.dumps(dict.fromkeys(INVOICE))]
    )
    green(ran)
    assert ran.output["status"] == "needs a look"
    assert ran.output["invoice"]["net"] == 1000
    assert "There is no date." in ran.output["message"]
    assert "do not add up" in ran.output["message"]


def said(
    answer,
    sentence="1. Working from another country is possible for at most 20 working days a year.",
):
    return [json.dumps({"sentence": sentence, "answer": answer})]


UNKNOWN = {"answer": "The document does not say.", "found": False, "quote": "", "sources": []}


async def test_question_is_answered_from_the_right_passage():
    ran = await run("document-questions", models=said("At most 20 working days."))
    green(ran)
    assert ran.output["answer"] == "At most 20 working days."
    assert ran.output["quote"].startswith("Working from another country is possible")
    assert ran.output["sources"][0].startswith("Working from another country")
    asked = ran.host.model.requests[0].messages[-1].text
    assert (
        "1. Working from another country is possible for at most 20 working days a year." in asked
    )
    assert ran.skipped == {"unknown"}


@pytest.mark.parametrize("answer", ["The document does not say", "90 days", " "])
async def test_an_answer_that_is_none_or_made_up_is_not_given(answer):
    ran = await run("document-questions", models=said(answer))
    green(ran)
    assert ran.output == UNKNOWN


async def test_question_the_document_does_not_answer_never_reaches_the_model():
    ran = await run("document-questions", {"question": "Who is the mayor of Lisbon?"})
    green(ran)
    assert ran.output == UNKNOWN
    assert ran.host.model.requests == []


@pytest.mark.parametrize(
    ("message", "branch", "team"),
    [
        ("What is the price for 5 seats?", "sales", "sales@example.com"),
        ("Your app shows a blank page after login", "support", "support@example.com"),
        ("Is the position of backend developer still open?", "jobs", "people@example.com"),
        ("I host a podcast and would love to have your CEO as guest", "press", "press@example.com"),
        ("My cat likes fish", "person", "frontdesk@example.com"),
    ],
)
async def test_message_takes_its_branch_without_a_model(message: str, branch: str, team: str):
    ran = await run("classify-route", {"message": message})
    green(ran)
    assert ran.output["team"] == team
    assert (ran.output["topic"] == "unclear") == (branch == "person")
    assert ran.skipped == {"sales", "support", "jobs", "press", "person"} - {branch}
    assert [entry["team"] for entry in ran.output["last_messages"]] == [team]
    assert ran.host.model.requests == []


async def test_table_is_checked_row_by_row():
    ran = await run("table-check", models=["Please correct it."] * 4)
    green(ran)
    problems = {row["line"]: row["problems"] for row in ran.output["problem_rows"]}
    assert problems == {
        2: ["the e-mail address 'grace.example.com' is not valid"],
        3: ["the name is missing", "the date '2026-02-30' does not exist"],
        4: ["the amount -15 is not above zero"],
        6: ["it repeats row 1"],
    }
    assert {row["note"] for row in ran.output["problem_rows"]} == {"Please correct it."}
    assert "6 rows checked, 2 are fine, 4 need a correction" in ran.output["summary"]
    assert "each[0]/note" in ran.skipped
    assert "each[1]/fine" in ran.skipped


async def test_report_has_the_right_figures():
    ran = await run("data-report", models=["Sales went up."])
    green(ran)
    report = ran.output["report"]
    assert ran.output["totals"] == {"North": 40150, "South": 26700, "West": 48300}
    assert "Sales went up." in report
    assert "Total sales: 115,150, from 2026-01 to 2026-03" in report
    assert "| West | 15,100 | 15,900 | 17,300 | 48,300 | +14.6 % |" in report
    assert "Weakest trend: South (-16.3 %)" in report


async def test_order_agent_looks_the_order_up():
    ran = await run(
        "support-team",
        models=[
            {"tool": "order_book", "arguments": {"order": "A-1002"}},
            "It is on its way and comes on 9 March.",
        ],
    )
    green(ran)
    assert ran.output == {
        "reply": "It is on its way and comes on 9 March.",
        "handled_by": "Orders",
        "looked_up": True,
    }
    assert ran.steps["orders"].output["tools_called"] == ["order_book"]
    assert {request.max_tokens for request in ran.host.model.requests} == {120}
    told = [
        message.text for message in ran.host.model.requests[-1].messages if message.role == "tool"
    ]
    assert "on its way" in told[0]
    assert ran.skipped == {"billing", "ask", "question"}


async def test_billing_agent_leaves_a_note():
    ran = await run(
        "support-team",
        {"message": "I want my money back for I-79, you charged it twice."},
        models=[
            {"tool": "invoice_book", "arguments": {"invoice": "I-79"}},
            {"tool": "finance_note", "arguments": {"note": "Pay back I-79."}},
            "You get it back.",
        ],
    )
    green(ran)
    assert (ran.output["reply"], ran.output["handled_by"]) == ("You get it back.", "Billing")
    assert await ran.host.memory.get("workflow", "finance_notes") == ["Pay back I-79."]


async def test_support_team_does_not_send_an_answer_that_was_not_looked_up():
    ran = await run("support-team", models=["It was delivered yesterday."])
    green(ran)
    assert (ran.output["handled_by"], ran.output["looked_up"]) == ("a colleague", False)
    assert "A-1002" in ran.output["reply"]
    assert "delivered" not in ran.output["reply"]


async def test_support_team_asks_for_the_number_when_nobody_fits():
    ran = await run("support-team", {"message": "What is your favourite colour?"})
    green(ran)
    assert "Please send me the number" in ran.output["reply"]
    assert ran.skipped == {"orders", "billing", "reply", "sure", "answer"}


async def test_support_team_answers_even_when_an_agent_cannot():
    ran = await run("support-team", models=[UpstreamFailed("The provider did not answer.")])
    assert ran.outcome.status == "succeeded"
    assert ran.output["handled_by"] == "a colleague"


async def test_meeting_notes_become_tasks_and_decisions():
    ran = await run("meeting-actions", models=["The launch was planned."])
    green(ran)
    assert [(task["owner"], task["due"]) for task in ran.output["tasks"]] == [
        ("Tom", "Friday"),
        ("Sara", "15 March"),
        ("Lena", "the launch"),
        ("Tom", "open"),
    ]
    assert ran.output["decisions"] == [
        "We decided to move the launch to 20 April",
        "We agreed that the free plan stays as it is",
    ]
    assert "The launch was planned." in ran.output["message"]
    assert (
        "- [ ] Tom will write the press text by Friday (owner: Tom, due: Friday)"
        in ran.output["message"]
    )


PAGE = """<html><head><title>Tea &amp; more</title><style>p{}</style></head><body>
<h1>All about tea</h1><script>alert(1)</script><p>Tea is a <b>drink</b>.</p><a href="/x">More</a>
</body></html>"""


async def test_web_page_becomes_a_report():
    url = template("web-report")["example_input"]["url"]
    page = {"text": PAGE, "headers": {"content-type": "text/html"}}
    ran = await run("web-report", http={url: page}, models=["It is about tea."])
    green(ran)
    assert ran.output["report"].startswith("# Tea & more\n\nIt is about tea.")
    assert "- All about tea" in ran.output["report"]
    assert "- Words: 8" in ran.output["report"]
    assert "alert" not in ran.host.model.requests[0].messages[-1].text
    assert ran.skipped == {"sorry"}


async def test_web_report_says_why_a_page_was_not_fetched():
    url = template("web-report")["example_input"]["url"]
    ran = await run("web-report", http={url: {"status": 404, "text": "gone"}})
    assert ran.outcome.status == "succeeded"
    assert ran.output["status"] == "not fetched"
    assert "404" in ran.output["reason"]
    assert ran.host.model.requests == []


async def test_web_report_reads_json():
    url = template("web-report")["example_input"]["url"]
    page = {"text": '{"name": "tea", "price": 3}', "headers": {"content-type": "application/json"}}
    ran = await run("web-report", http={url: page}, models=["Tea costs 3."])
    green(ran)
    assert "- name\n- price" in ran.output["report"]

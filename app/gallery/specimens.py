"""Fixed values that the gallery of components is drawn with."""

from typing import Any

from app.components import ui
from app.state.approvals import Choice, Question
from app.state.templates import TemplateCard

TEXT = 'def greet(name: str) -> str:\n    """Say hello."""\n    return f"Hello, {name}!"\n'

ROWS: list[dict[str, str]] = [
    {"name": "Ticket triage", "status": "running", "tokens": "1,284"},
    {"name": "Invoice extract", "status": "succeeded", "tokens": "402"},
    {"name": "Weekly digest", "status": "failed", "tokens": "0"},
]

BARS = ui.bars(
    [
        ui.Point(
            at=f"2026-01-05T{hour:02}:00:00Z",
            succeeded=(hour * 7) % 19,
            failed=3 if hour == 8 else 0,
            other=1 if hour == 23 else 0,
        )
        for hour in range(24)
    ]
)

HEAT = ui.heat_rows(
    [
        (name, "/dev/gallery", [(start + hour * 7) % 31 * 40 for hour in range(24)])
        for start, name in enumerate(["Ticket triage", "Lead sync", "Doc answers"])
    ],
    unit="tokens",
)

JSON: dict[str, Any] = {
    "label": "billing",
    "confidence": 0.94,
    "escalate": False,
    "customer": None,
    "lines": [{"sku": f"A-{at}", "quantity": at} for at in range(3)],
    "long": "word " * 200,
}


def _node(node_id: str, kind: str, label: str, x: int, y: int) -> dict[str, Any]:
    category = "model" if kind == "agent.run" else kind.partition(".")[0]
    return {
        "id": node_id, "kind": kind, "category": category, "label": label,
        "x": x, "y": y, "size": None, "parent": None, "container": False,
    }  # fmt: skip


GRAPH: dict[str, Any] = {
    "nodes": [
        _node("start", "trigger.manual", "New ticket", 0, 120),
        _node("classify", "model.classify", "Classify intent", 300, 120),
        _node("reply", "agent.run", "Billing agent", 600, 0),
        _node("lookup", "tool.http", "Look up order", 600, 240),
        _node("approve", "human.approval", "Approve refund", 900, 0),
        _node("answer", "flow.respond", "Answer", 1200, 120),
    ],
    "edges": [
        {"id": "1", "source": "start", "target": "classify", "tool": False},
        {"id": "2", "source": "classify", "target": "reply", "tool": False},
        {"id": "3", "source": "lookup", "target": "reply", "tool": True},
        {"id": "4", "source": "reply", "target": "approve", "tool": False},
        {"id": "5", "source": "approve", "target": "answer", "tool": False},
    ],
}

CARDS = [
    TemplateCard(
        "ticket-triage", "Ticket triage",
        "Classifies, drafts a reply and asks a person before refunds.",
        "Support", "6 nodes", "12 uses", keyless=True, needs=[], graph=GRAPH,
    ),
    TemplateCard(
        "web-report", "Web page report",
        "Fetches an address, transforms what it finds and writes a report about it.",
        "Research", "6 nodes", "", keyless=True, needs=["needs the internet"], graph=GRAPH,
    ),
]  # fmt: skip

QUESTION = Question(
    step_id="stp_1", run_id="run_1", run="#482", workflow="Ticket triage", workflow_id="wfl_1",
    title="Approve refund", body="The customer was charged twice.",
    choices=[Choice("approve", "Approve"), Choice("reject", "Reject")], has_value=True,
    value="Dear Ada, we are sorry …",
    plain=True, editable=True, asked_at="2026-01-05T10:00:00Z",
)  # fmt: skip

"""What steps give: JSON by the one rule, no more than they may; references hand it on whole."""

import pytest

from app.adapters.process import sandbox
from app.engine.catalog import catalog
from app.engine.graph.document import parse_graph
from app.engine.host import Limits
from app.engine.runtime import compile as compile_graph
from app.engine.sdk import NodeConfig, NodeContext, Ports, Result, node, port
from app.engine.testing import FakeHost
from tests.engine.tiny import CATALOG, Catalog, In, box, graph, run
from tests.graphs import chain
from tests.graphs import node as real

MADE = {}
MB = 1 << 20


class Anything(Ports):
    value: object = port(title="Value")


class Nothing(NodeConfig):
    pass


@node(kind="test.made", title="Made", icon="x", tool=True)
async def made(config: Nothing, inputs: In, ctx: NodeContext) -> Anything:
    """Give what the test says, as a node of somebody else would."""
    given = MADE["value"]
    return given if isinstance(given, Result) else Anything(value=given)


KINDS = Catalog(*CATALOG.all(), made)


async def gave(value, **limits):
    MADE["value"] = value
    nodes = (box("begin", "start"), box("odd", "made"), box("after", "echo"))
    document = graph(*(n for n in nodes if n["kind"] != "test.made"))
    edges = [
        {
            "id": "a",
            "source": "begin",
            "source_port": "value",
            "target": "odd",
            "target_port": "input",
        },
        {
            "id": "b",
            "source": "odd",
            "source_port": "value",
            "target": "after",
            "target_port": "input",
        },
    ]
    document = parse_graph({"schema": 1, "nodes": list(nodes), "edges": edges})
    host = FakeHost()
    outcome = await run(compile_graph(document, KINDS), host, limits=Limits(timeout_s=30, **limits))
    return outcome, host.journal.steps["odd"]


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize(("value", "wanted"), [
    ([2**63 - 1, 2**63, 2**53 + 1], [2**63 - 1, str(2**63), 2**53 + 1]), ("a\ud83d\x00", "a\ufffd\ufffd"),
    ({"\ud83d": [None, 1.5]}, {"\ufffd": [None, 1.5]}), ((1, (2,)), [1, [2]]), ({3: True}, {"3": True}),
])  # fmt: skip
async def test_an_output_is_settled_once_and_the_next_step_sees_the_same(value, wanted, wrapped):
    outcome, step = await gave(Result({"value": value}) if wrapped else value)
    assert (outcome.status, step.output) == ("succeeded", {"value": wanted})
    assert outcome.output == wanted


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize("value", [
    [float("nan")], {"a": float("inf")}, [lambda x: x], {"a": object()}, b"\xff", [[[[0]] * 2]] and [float("-inf")],
])  # fmt: skip
async def test_what_is_no_json_fails_the_step_with_a_sentence(value, wrapped):
    _, step = await gave(Result({"value": value}) if wrapped else value)
    assert (step.status, step.error["code"]) == ("failed", "output_invalid")
    assert "not JSON" in step.error["message"]


async def test_nesting_has_an_end():
    deep = []
    for _ in range(150):
        deep = [deep]
    _, step = await gave(deep)
    assert (step.status, step.error["code"]) == ("failed", "output_invalid")


async def test_a_step_may_give_so_many_bytes():
    outcome, step = await gave("x" * (10 * MB))
    assert (outcome.status, step.error["code"]) == ("failed", "output_too_large")
    for word in ("10.1 MB", "10 MB", "AGENTLOOM_MAX_OUTPUT_MB"):
        assert word in step.error["message"]
    assert (await gave("x" * (10 * MB - 100)))[0].status == "succeeded"
    assert (await gave("x" * (10 * MB), max_output_bytes=11 * MB))[0].status == "succeeded"
    assert (await gave("ü" * 600, max_output_bytes=1_000))[
        0
    ].status == "failed"  # bytes, not letters


async def real_run(*nodes, given=None, **limits):
    host = FakeHost(python=sandbox.run_python)
    plan = compile_graph(parse_graph(chain(real("start", "trigger.manual"), *nodes)), catalog())
    try:
        outcome = await run(plan, host, given, limits=Limits(timeout_s=60, **limits))
    finally:
        await sandbox.close()
    return outcome, host


MANY = {"code": "result = [{'a': i, 'b': 'x'} for i in range(100000)]"}


async def test_a_plain_reference_hands_on_what_any_step_may_give():
    rows = [{"a": n, "b": "x"} for n in range(100_000)]
    config = {"values": {"rows": "{{ trigger.rows }}", "n": "{{ len(trigger.rows) }}"}}
    outcome, host = await real_run(real("set", "data.set", config), given={"rows": rows})
    assert outcome.status == "succeeded", host.journal.steps["set"].error
    assert host.journal.steps["set"].output["data"] == {"rows": rows, "n": 100_000}


@pytest.mark.parametrize("text", [
    "{{ trigger.rows }}", "{{ trigger['rows'] }}", "{{ default(trigger.rows, 0) }}", "{{ trigger.rows or 0 }}",
    "{{ trigger.rows if true else 0 }}", "{{ first([trigger]).rows or trigger.rows }}",
])  # fmt: skip
async def test_whatever_only_picks_a_value_hands_it_on(text):
    rows = [{"a": n, "b": "x"} for n in range(60_000)]
    node = real("set", "data.set", {"values": {"rows": text}})
    outcome, host = await real_run(node, given={"rows": rows})
    assert outcome.status == "succeeded", host.journal.steps["set"].error
    assert host.journal.steps["set"].output["data"]["rows"] == rows


@pytest.mark.parametrize("text", [
    "{{ [trigger.rows] }}", "{{ trigger.rows + [1] }}", "n: {{ trigger.rows }}", "{{ json(trigger.rows) }}",
    "{{ {'a': [trigger.rows, trigger.rows]}.a }}", "{{ trigger.rows[1:] }}", "{{ trigger.rows == [] or 1 in trigger.rows }}",
])  # fmt: skip
async def test_what_works_on_a_large_value_says_what_to_do_instead(text):
    rows = [{"a": n, "b": "x"} for n in range(100_000)]
    node = real("set", "data.set", {"values": {"rows": text}})
    _, host = await real_run(node, given={"rows": rows})
    error = host.journal.steps["set"].error
    assert error["code"] == "expression_error"
    assert "docs/limits.md" in error["message"]
    assert "plain reference" in error["message"]


async def test_all_values_of_a_form_together_are_bounded():
    values = {f"v{n}": "{{ trigger.text }}" for n in range(12)}
    node = real("set", "data.set", {"values": values})
    _, host = await real_run(node, given={"text": "x" * MB})
    assert "docs/limits.md" in host.journal.steps["set"].error["message"]
    outcome, _ = await real_run(node, given={"text": "x" * MB}, max_output_bytes=20 * MB)
    assert outcome.status == "succeeded"


async def test_rows_of_a_program_go_on_to_the_next_node():
    config = {"values": {"rows": "{{ nodes.code.result }}"}}
    code = real("code", "tool.code_python", MANY)
    nodes = [real("start", "trigger.manual"), code, real("set", "data.set", config)]
    edges = [
        {
            "id": "1",
            "source": "start",
            "source_port": "data",
            "target": "code",
            "target_port": "input",
        },
        {
            "id": "2",
            "source": "code",
            "source_port": "result",
            "target": "set",
            "target_port": "input",
        },
    ]
    host = FakeHost(python=sandbox.run_python)
    plan = compile_graph(parse_graph({"schema": 1, "nodes": nodes, "edges": edges}), catalog())
    outcome = await run(plan, host, {})
    await sandbox.close()
    assert outcome.status == "succeeded", host.journal.steps["set"].error
    assert len(outcome.output["rows"]) == 100_000


@pytest.mark.parametrize(("text", "value"), [
    ("{{ 12345678901234567890123 }}", "12345678901234567890123"),
    ("{{ trigger.id }}", 2**62), ("{{ trigger.id * 8 }}", str(2**65)), ("{{ trigger.id + 1 }}", 2**62 + 1),
    ("{{ int('9007199254740993') }}", 9007199254740993), ("{{ int(' -9007199254740993 ') }}", -9007199254740993),
    ("{{ parse_json('{\"id\": 12345678901234567890123}').id }}", "12345678901234567890123"),
    ("{{ str(9007199254740993) }}", "9007199254740993"), ("id {{ trigger.id }}", "id 4611686018427387904"),
    ("{{ json([9007199254740993]) }}", "[9007199254740993]"), ("{{ max([9007199254740993, 1]) }}", 9007199254740993),
    ("{{ sum([9007199254740993, 0]) }}", 9007199254740993), ("{{ round(9007199254740993) }}", 9007199254740993),
])  # fmt: skip
async def test_expressions_keep_numbers_exact(text, value):
    node = real("set", "data.set", {"values": {"v": text}})
    outcome, host = await real_run(node, given={"id": 2**62})
    assert outcome.status == "succeeded", host.journal.steps["set"].error
    assert repr(outcome.output["v"]) == repr(value)

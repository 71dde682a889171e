"""Any graph's run ends, nothing runs twice, and it goes on from any point of its journal."""

import asyncio
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from app.engine.events import TERMINAL_STEP
from app.engine.host import StepRecord
from app.engine.runtime.outcome import status_of
from app.engine.sdk import Answer
from app.engine.testing import FakeHost
from tests.engine.tiny import box, executed, graph, plan_of, run

ON_ERROR = {"on_error": st.sampled_from(["stop", "continue", "error_port"])}
KINDS = {
    "echo": {},
    "fork": {"when": st.sampled_from(["true", "false"])},
    "join": {},
    "flaky": {"fails": st.sampled_from([0, 9]), "how": st.just("refused")},
    "meet": {},
    "ask": {},
}


@st.composite
def graphs(draw):
    """A trigger and up to twelve nodes behind it, each wired to earlier ones."""
    nodes, edges, ports = [box("begin", "start")], [], {"begin": ["value"]}
    for number in range(draw(st.integers(1, 12))):
        node_id, kind = f"n{number}", draw(st.sampled_from(sorted(KINDS)))
        config = {name: draw(values) for name, values in KINDS[kind].items()}
        node_settings = (
            {name: draw(values) for name, values in ON_ERROR.items()} if kind == "flaky" else {}
        )
        most = 3 if kind == "join" else 1
        sources = draw(
            st.lists(st.sampled_from(sorted(ports)), min_size=1, max_size=most, unique=True)
        )
        edges += [
            f"{source}.{draw(st.sampled_from(ports[source]))}>{node_id}" for source in sources
        ]
        nodes.append(box(node_id, kind, settings=node_settings, **config))
        ports[node_id] = ["yes", "no"] if kind == "fork" else ["value"]
        if node_settings.get("on_error") == "error_port":
            ports[node_id].append("error")
    return nodes, " ".join(edges)


async def lives(nodes, edges, cut):
    """Run a graph to its end, then once more from a cut in the journal of the first time."""
    plan = plan_of(*nodes, edges=edges)
    answers = {node["id"]: Answer(choice="approve") for node in nodes if node["kind"] == "test.ask"}
    whole, rest = FakeHost(), FakeHost()
    outcome = await asyncio.wait_for(run(plan, whole, "x", answers=answers), 10)
    kept = whole.journal.facts[: round(cut * len(whole.journal.facts))]
    steps = {fact.path: fact for fact in kept if isinstance(fact, StepRecord)}
    done = {path: step for path, step in steps.items() if step.status in TERMINAL_STEP}
    again = await asyncio.wait_for(run(plan, rest, "x", answers=answers, done=done), 10)
    return outcome, again, whole, rest, done


@given(graphs(), st.floats(0, 1))
@settings(max_examples=80, deadline=None)
def test_runs_end_and_resume(found, cut):
    nodes, edges = found
    outcome, again, whole, rest, done = asyncio.run(lives(nodes, edges, cut))
    steps = whole.journal.steps
    assert outcome.status == status_of(steps.values()) == again.status
    assert outcome.output == again.output
    ran, ran_again = (asyncio.run(executed(host)) for host in (whole, rest))
    assert max(Counter(ran).values()) == 1
    assert not set(ran_again) & set(done)
    if outcome.status == "succeeded":
        assert set(steps) == {node["id"] for node in nodes}
        assert {step.status for step in steps.values()} <= TERMINAL_STEP
        merged = {**done, **rest.journal.steps}
        assert {p: (s.status, s.output) for p, s in merged.items()} == {
            p: (s.status, s.output) for p, s in steps.items()
        }


@given(graphs())
@settings(max_examples=40, deadline=None)
def test_the_fate_of_a_node_follows_from_its_edges(found):
    nodes, edges = found
    host = FakeHost()
    asyncio.run(run(plan_of(*nodes, edges=edges), host, "x", answers={}))
    steps = host.journal.steps
    for edge in graph(*nodes, edges=edges).edges:
        target, source = steps.get(edge.target), steps.get(edge.source)
        if target is None:
            continue
        alive = source.alive is None or edge.source_port in source.alive
        assert source.status in TERMINAL_STEP, "nothing begins before its edges are decided"
        if alive:
            assert target.status != "skipped"

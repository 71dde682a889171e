"""A search by JSONPath counts what it looks at and what it gives; a short path can ask for very much."""

import json
import time

import pytest

from app.adapters.process import blocking
from app.engine.catalog import catalog
from app.engine.graph.document import parse_graph
from app.engine.nodes.transform import jsonpath
from app.engine.nodes.transform.jsonpath import find
from app.engine.runtime import compile as compile_graph
from app.engine.testing import FakeHost
from app.kernel.errors import InvalidInput
from tests.engine.tiny import CATALOG, box, run

PARTS = [[[[1, 2], [3, 4]]] * 2] * 2
FLAT = [[i, [i]] for i in range(500)]
DEEP = {}
for _ in range(60):
    DEEP = {"a": DEEP, "b": [1]}
MOST = 10_000_000


@pytest.mark.parametrize("data", [PARTS, FLAT, DEEP], ids=["parts", "flat", "deep"])
@pytest.mark.parametrize("path", [
    "$" + "[*,*]" * 40, "$" + "[0,0]" * 40, "$" + "['a','a']" * 40, "$" + "..*" * 40, "$" + "[0:2,0:2]" * 40,
    "$" + "..[*,*]" * 20, "$[" + ",".join("0" * 400) + "]" + "[*,*]" * 30, "$" + "[?@ == $]" * 30,
    "$" + "[?@ == $,?@ != $]" * 30, "$..[?@..[?@..[?@..[?@..x]]]]", "$..[?count(@..*) > 1]",
    "$[?" + "!" * 900 + "@.x]", "$[?" + "(" * 400 + "@.x" + ")" * 400 + "]", "$" + "[*,*,*,*]" * 30 + ".missing",
    "$" + "[?1 == 1,?2 == 2]" * 30 + "[?1 == 2]",
])  # fmt: skip
def test_no_path_works_for_long(path, data):
    started = time.process_time()
    try:
        found = find(path, data, 100_001, 10_000, MOST)
    except InvalidInput:
        found = None
    assert time.process_time() - started < 0.5
    assert found is None or len(found) <= 10_000


@pytest.mark.parametrize("path", ["$" + "[*,*]" * 40, "$" + "['a','a']" * 40])
def test_what_explodes_is_ended(path):
    assert find(path, DEEP, 100_001, 10_000, MOST) is None


def test_what_is_found_again_and_again_counts_as_often():
    large = [["x" * 1_000] * 1_000]
    with pytest.raises(InvalidInput, match="finds more than 10,000,000 bytes"):
        find("$[" + ",".join("0" * 400) + "]", large, 100_001, MOST, MOST)


def test_comparing_large_values_is_paid_for():
    rows = [list(range(1_000)) for _ in range(100)]
    assert find("$[?@ == $[0]]", rows, 200, 50_000, MOST) is None
    assert len(find("$[?@ == $[0]]", rows, 200, 500_000, MOST)) == 100


async def searched(path, data, **config):
    host = FakeHost(blocking=blocking.run)
    plan_kinds = type(CATALOG)(*CATALOG.all(), catalog().get("data.jsonpath"))
    node = box("find", "data.jsonpath", path=path, **config)
    outcome = await run(_plan(plan_kinds, node), host, data)
    return outcome, host.journal.steps["find"]


def _plan(kinds, node):
    edge = {
        "id": "e",
        "source": "begin",
        "source_port": "value",
        "target": "find",
        "target_port": "input",
    }
    graph = {"schema": 1, "nodes": [box("begin", "start"), node], "edges": [edge]}
    return compile_graph(parse_graph(graph), kinds)


@pytest.fixture(autouse=True)
async def _end_children():
    yield
    await blocking.close()


async def test_an_exploding_path_fails_its_step_at_once():
    started = time.perf_counter()
    outcome, step = await searched("$" + "[*,*]" * 40, DEEP)
    assert time.perf_counter() - started < 3
    assert (outcome.status, step.error["code"]) == ("failed", "invalid_input")
    assert "too many values" in step.error["message"]
    assert len(step.error["message"]) < 400


async def test_honest_work_on_many_rows_is_done(monkeypatch):
    rows = [{"a": n, "b": None} for n in range(20_000)]
    outcome, step = await searched("$[?@.a >= 19990].a", rows)
    assert outcome.status == "succeeded", step.error
    assert step.output["value"] == list(range(19_990, 20_000))


async def test_small_data_is_searched_right_here(monkeypatch):
    async def nowhere(*_):
        raise AssertionError("a child was asked")

    monkeypatch.setattr(blocking, "run", nowhere)
    _, step = await searched("$..id", {"rows": [{"id": n} for n in range(500)]})
    assert step.output["value"] == list(range(500))
    assert len(json.dumps(DEEP)) < jsonpath._LIGHT_BYTES


async def test_numbers_and_odd_keys_come_out_as_they_were():
    data = {"a b": 2**62, "ü": [1.5, None]}
    assert (await searched("$['a b','ü']", data))[1].output["value"] == [2**62, [1.5, None]]

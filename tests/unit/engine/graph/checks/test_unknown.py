"""What a stored document has and this version does not know is kept, told by the check, and not run."""

import copy

import pytest

from app.engine.catalog import catalog
from app.engine.graph.document import parse_graph, read_graph
from app.engine.graph.edits import apply
from app.engine.graph.validate import check
from app.engine.runtime.compiler import compile as compile_graph
from app.kernel.errors import GraphInvalid

GOOD = {
    "schema": 1,
    "nodes": [
        {"id": "start", "kind": "trigger.manual", "label": "Start"},
        {"id": "say", "kind": "data.template", "label": "Say", "config": {"template": "x"}},
    ],
    "edges": [
        {"id": "e", "source": "start", "source_port": "data", "target": "say", "target_port": "input"}
    ],
}  # fmt: skip


def stored(*place):
    """The sound document with a field of a later version at a place."""
    document = copy.deepcopy(GOOD)
    owner = document
    for key in place[:-1]:
        owner = owner.setdefault(key, {}) if isinstance(owner, dict) else owner[key]
    owner[place[-1]] = {"later": 1}
    return document


PLACES = [
    (("theme",), None, None, "theme", "The workflow"),
    (("nodes", 1, "colour"), "say", None, "colour", "“Say”"),
    (("nodes", 1, "settings", "priority"), "say", None, "settings.priority", "“Say”"),
    (("nodes", 0, "position", "z"), "start", None, "position.z", "“Start”"),
    (("edges", 0, "style"), None, "e", "style", "The connection from “Start” to “Say”"),
]


@pytest.mark.parametrize(("place", "node_id", "edge_id", "field", "owner"), PLACES)
def test_it_is_a_problem_with_its_place_and_a_mend(place, node_id, edge_id, field, owner):
    graph = read_graph(stored(*place))
    (problem,) = check(graph, catalog())
    assert (problem.code, problem.severity) == ("unknown_field", "error")
    assert (problem.node_id, problem.edge_id, problem.field) == (node_id, edge_id, field)
    assert problem.message.startswith(f"{owner} has a field that this version does not know")
    done = apply(graph, problem.fix.ops)
    assert check(done.graph, catalog()) == []
    assert apply(done.graph, done.inverse).graph.as_json() == graph.as_json()


@pytest.mark.parametrize("place", [place for place, *_ in PLACES])
def test_it_is_kept_through_edits_and_refused_with_the_same_sentence_when_it_is_to_run(place):
    compile_graph(parse_graph(GOOD), catalog())
    graph = read_graph(stored(*place))
    ops = [
        {"op": "set_config", "id": "say", "path": ["template"], "value": "y"},
        {"op": "set_settings", "id": "say", "settings": {"retries": 2}},
        {"op": "set_label", "id": "start", "label": "Begin"},
    ]
    edited = apply(graph, ops).graph
    assert edited.unknown == graph.unknown
    assert read_graph(edited.as_json()).unknown == graph.unknown
    with pytest.raises(GraphInvalid) as refused:
        compile_graph(edited, catalog())
    assert [refused.value.message] == [p.message for p in check(edited, catalog())]


def test_several_are_named_one_by_one_and_removed_together():
    document = stored("theme")
    document["nodes"][1]["colour"] = "red"
    graph = read_graph(document)
    first, second = check(graph, catalog())
    assert {first.field, second.field} == {"theme", "colour"}
    fix = first.fix or second.fix
    assert fix.title == "Remove all 2 of them"
    assert check(apply(graph, fix.ops).graph, catalog()) == []


@pytest.mark.parametrize("place", [place for place, *_ in PLACES])
def test_a_document_that_is_sent_is_refused_at_its_place(place):
    with pytest.raises(GraphInvalid) as refused:
        parse_graph(stored(*place))
    assert refused.value.context["problems"][0]["place"] == ".".join(map(str, place))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kind": "data.of_tomorrow"}, "is of a kind this installation does not have"),
        ({"version": 9}, "was made with a newer version (9)"),
        ({"version": 0}, "has the version 0 of “Text template”, which never was"),
    ],
)
def test_an_unknown_kind_or_version_is_a_problem(change, words):
    document = copy.deepcopy(GOOD)
    document["nodes"][1].update(change)
    found = [p for p in check(read_graph(document), catalog()) if p.code == "unknown_kind"]
    assert words in found[0].message
    assert found[0].node_id == "say"


def test_a_key_of_a_form_that_nobody_knows_can_be_removed():
    document = copy.deepcopy(GOOD)
    document["nodes"][1]["config"]["tone"] = "kind"
    graph = read_graph(document)
    (problem,) = check(graph, catalog())
    assert (problem.node_id, problem.field, problem.fix.title) == ("say", "tone", "Remove it")
    assert check(apply(graph, problem.fix.ops).graph, catalog()) == []

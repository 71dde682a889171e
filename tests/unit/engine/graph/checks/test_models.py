"""A model that is not here is warned of at its node, with ways out; nothing is fetched to find out."""

from app.engine.catalog import catalog
from app.engine.graph.checks.models import ModelsHere
from app.engine.graph.document import parse_graph
from app.engine.graph.edits import apply
from app.engine.graph.validate import check

HERE = ModelsHere(frozenset({"local/small"}), frozenset({"openai"}), "local/small")
NONE = ModelsHere(frozenset())


def asking(model: str, kind: str = "model.chat", **config: object):
    ask = {"id": "ask", "kind": kind, "label": "Ask", "config": {"model": model, **config}}
    return parse_graph({"nodes": [ask]})


def warned(graph, models):
    return [p for p in check(graph, catalog(), models=models) if p.code == "model_missing"]


def test_a_model_that_is_not_here_is_a_warning_with_node_field_and_three_ways_out():
    graph = asking("local/gone")
    (found,) = warned(graph, HERE)
    assert (found.severity, found.node_id, found.field) == ("warning", "ask", "model")
    for part in ("“Ask”", "`local/gone`", "page Models", "Ollama", "another model"):
        assert part in found.message
    assert warned(apply(graph, found.fix.ops).graph, HERE) == []


def test_without_any_model_the_default_is_warned_of_and_there_is_no_fix():
    (found,) = warned(asking(""), NONE)
    assert "no model on this machine" in found.message
    assert found.fix is None


def test_models_that_could_answer_are_not_warned_of():
    for ref in ("", "local/small", "openai/any-name-at-all", "{{ input.model }}"):
        assert warned(asking(ref), HERE) == []


def test_nothing_is_said_when_it_is_not_known_what_is_here():
    assert warned(asking("local/gone"), None) == []


def test_a_field_that_is_not_shown_is_not_judged():
    labels = [{"label": "A", "examples": "a"}, {"label": "B", "examples": "b"}]
    assert warned(asking("local/gone", "model.classify", labels=labels), HERE) == []
    asked = asking("local/gone", "model.classify", labels=labels, when_unsure="model")
    assert len(warned(asked, HERE)) == 1

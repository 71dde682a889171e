from dataclasses import replace

from app.engine.catalog import Catalog, catalog
from app.engine.graph.upgrades import open_graph, upgraded

STORED = {
    "schema": 1,
    "nodes": [
        {"id": "a", "kind": "data.template", "config": {"text": "x"}},
        {"id": "b", "kind": "data.template", "version": 2, "config": {"words": "x"}},
        {"id": "c", "kind": "data.template", "version": 4, "config": {"future": 1}},
        {"id": "d", "kind": "no.such"},
    ],
    "edges": [],
}


def renamed(old, new):
    return lambda config: {new: config[old]}


def types(**changes):
    return Catalog([replace(catalog().get("data.template"), **changes)])


def test_each_node_goes_through_the_upgrades_that_it_lacks():
    upgrades = {1: renamed("text", "words"), 2: renamed("words", "template")}
    graph = open_graph(STORED, types(version=3, upgrades=upgrades))
    assert [(node.version, node.config) for node in graph.nodes] == [
        (3, {"template": "x"}),
        (3, {"template": "x"}),
        (4, {"future": 1}),
        (1, {}),
    ]
    assert STORED["nodes"][0] == {"id": "a", "kind": "data.template", "config": {"text": "x"}}


def test_what_needs_no_upgrade_is_returned_as_it_is():
    assert upgraded(STORED, types()) is STORED
    assert upgraded(STORED, types(version=2)) is STORED
    assert upgraded({}, types()) == {}

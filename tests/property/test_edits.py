"""Applying edits and then their inverse gives the graph from before; old values never change."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.engine.graph.document import Edge, Graph, NodeRef, Position
from app.engine.graph.edits import apply
from app.kernel.errors import EditRefused

IDS = [f"n{i}" for i in range(6)]
EDGES = [f"e{i}" for i in range(6)]
scalars = st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["", "a", "{{ input }}"])
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
    ),
    max_leaves=6,
)
configs = st.dictionaries(st.sampled_from("abc"), values, max_size=3)
places = st.lists(st.sampled_from("abc") | st.integers(0, 3), max_size=4)
node_ids = st.sampled_from(IDS)
ports = st.sampled_from(["in", "out", "error"])


@st.composite
def graphs(draw):
    ids = draw(st.lists(node_ids, unique=True, max_size=6))
    nodes = []
    for index, node_id in enumerate(ids):
        parent = draw(st.none() | st.sampled_from(ids[:index])) if index else None
        nodes.append(NodeRef(id=node_id, kind="test.any", config=draw(configs), parent=parent))
    nodes = draw(st.permutations(nodes))
    edges = []
    if ids:
        for edge_id in draw(st.lists(st.sampled_from(EDGES), unique=True, max_size=6)):
            ends = [
                draw(st.sampled_from(ids)),
                draw(ports),
                draw(st.sampled_from(ids)),
                draw(ports),
            ]
            edges.append(
                Edge(
                    id=edge_id,
                    source=ends[0],
                    source_port=ends[1],
                    target=ends[2],
                    target_port=ends[3],
                )
            )
    return Graph(nodes=tuple(nodes), edges=tuple(edges))


def _op(name, **fields):
    return st.fixed_dictionaries({"op": st.just(name), **fields})


node_json = st.builds(
    lambda i, config, parent, x: NodeRef(
        id=i,
        kind="test.any",
        config=config,
        parent=parent if parent != i else None,
        position=Position(x=x),
    ).model_dump(mode="json"),
    node_ids,
    configs,
    st.none() | node_ids,
    st.integers(-5, 5),
)
edge_json = st.fixed_dictionaries(
    {
        "id": st.sampled_from(EDGES),
        "source": node_ids,
        "source_port": ports,
        "target": node_ids,
        "target_port": ports,
    }
)
move_json = st.fixed_dictionaries(
    {"id": node_ids, "x": st.integers(-9, 9), "y": st.integers(-9, 9)},
    optional={"parent": st.none() | node_ids},
)
ops = st.one_of(
    _op("add_node", node=node_json),
    _op("remove_node", id=node_ids),
    _op("move", moves=st.lists(move_json, max_size=3)),
    _op("set_config", id=node_ids, path=places, value=values),
    _op("set_config", id=node_ids, path=places),
    _op("set_config", id=node_ids, path=st.just([]), value=configs),
    _op(
        "set_settings",
        id=node_ids,
        settings=st.fixed_dictionaries(
            {},
            optional={"retries": st.integers(0, 12), "disabled": st.booleans(), "default": values},
        ),
    ),
    _op("set_label", id=node_ids, label=st.text(max_size=5)),
    _op(
        "resize", id=node_ids, size=st.none() | st.lists(st.integers(1, 9), min_size=2, max_size=2)
    ),
    _op("add_edge", edge=edge_json),
    _op("remove_edge", id=st.sampled_from(EDGES)),
    st.builds(lambda graph: {"op": "replace", "graph": graph.as_json()}, graphs()),
)


@settings(max_examples=250, deadline=None)
@given(graphs(), st.lists(ops, min_size=1, max_size=12))
def test_apply_then_undo_is_identity(graph, edits):
    before = graph.model_copy(deep=True)
    accepted = []
    current = graph
    for op in edits:
        try:
            current = apply(current, [op]).graph
        except EditRefused:
            continue
        accepted.append(op)
    done = apply(graph, accepted)
    assert done.graph == current
    undone = apply(done.graph, done.inverse)
    assert undone.graph == before
    assert [n.id for n in undone.graph.nodes] == [n.id for n in before.nodes]
    assert apply(undone.graph, undone.inverse).graph == done.graph
    assert graph == before


@settings(max_examples=100, deadline=None)
@given(graphs(), st.lists(ops, max_size=6))
def test_a_refused_edit_says_which_one(graph, edits):
    for index in range(len(edits)):
        try:
            apply(graph, edits[: index + 1])
        except EditRefused as error:
            refusal = error
            break
    else:
        return
    with pytest.raises(EditRefused) as caught:
        apply(graph, edits)
    assert caught.value.context["index"] == index
    assert caught.value.message == refusal.message

"""Whatever stands in a graph, the check ends, names places, and its fixes can be applied."""

from hypothesis import given, settings
from hypothesis import strategies as st

from app.engine.catalog import catalog
from app.engine.graph.document import parse_graph
from app.engine.graph.edits import apply
from app.engine.graph.validate import check

IDS = ["start", "ask", "pick", "loop", "agent"]
KINDS = [t.kind for t in catalog().all()] + ["zoo.lion"]
TEXTS = [
    "",
    "x",
    "{{ input }}",
    "{{ nodes.ask.text }}",
    "{{ nodes.aks }}",
    "{{ item",
    "{{ args.q }}",
    "input.n >",
    "true",
]
scalars = st.none() | st.booleans() | st.integers(-5, 500) | st.sampled_from(TEXTS)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "when", "x"]), inner, max_size=3)
    ),
    max_leaves=5,
)


@st.composite
def nodes(draw, node_id, earlier):
    kind = draw(st.sampled_from(KINDS))
    node_type = catalog().get(kind)
    fields = list(node_type.config.model_fields) if node_type else []
    return {
        "id": node_id,
        "kind": kind,
        "config": draw(st.dictionaries(st.sampled_from([*fields, "unknown"]), values, max_size=4)),
        "settings": {
            "on_error": draw(st.sampled_from(["stop", "continue", "error_port"])),
            "disabled": draw(st.booleans()),
            "tool_name": draw(st.sampled_from(["", "same"])),
        },
        "position": {"x": draw(st.integers(0, 500)), "y": 0},
        "parent": draw(st.none() | st.sampled_from(earlier)) if earlier else None,
    }


@st.composite
def graphs(draw):
    ids = IDS[: draw(st.integers(0, 5))]
    made = [draw(nodes(node_id, ids[:index])) for index, node_id in enumerate(ids)]
    ports = st.sampled_from(
        ["input", "tools", "tool", "error", "value", "text", "data", "true", "otherwise"]
    )
    edges = [
        {
            "id": f"e{index}",
            "source": draw(st.sampled_from(ids)),
            "source_port": draw(ports),
            "target": draw(st.sampled_from(ids)),
            "target_port": draw(ports),
        }
        for index in range(draw(st.integers(0, 6)) if ids else 0)
    ]
    return parse_graph({"nodes": made, "edges": edges})


@settings(max_examples=100, deadline=None)
@given(graphs())
def test_a_check_always_ends_with_places_and_fixes_that_apply(graph):
    for problem in check(graph, catalog()):
        assert problem.message
        assert problem.node_id in graph.by_id or problem.code == "no_trigger"
        if problem.fix:
            after = apply(graph, problem.fix.ops).graph
            assert after != graph
            same = [p for p in check(after, catalog()) if p == problem]
            assert not same, problem

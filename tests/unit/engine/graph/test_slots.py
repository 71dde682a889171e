from app.engine.graph.document import NodeRef, parse_graph
from app.engine.graph.ports import filled, form_schema, outputs_of
from app.engine.graph.slots import agents_of, slots, tool_name, tool_spec
from tests.unit.engine.graph.kinds import KINDS

WEB = KINDS.get("tool.web")


def web(**values):
    return NodeRef(id="web", kind="tool.web", **values)


def test_tools_stand_in_the_order_of_their_edges():
    nodes = [{"id": node_id, "kind": "tool.web"} for node_id in ("a", "b", "c")]
    nodes += [{"id": "agent", "kind": "agent.run"}, {"id": "boss", "kind": "agent.run"}]
    wires = [("c", "agent"), ("a", "agent"), ("agent", "boss"), ("a", "boss"), ("a", "agent")]
    edges = [
        {"id": f"e{i}", "source": s, "source_port": "tool", "target": t, "target_port": "tools"}
        for i, (s, t) in enumerate(wires)
    ]
    edges.append(
        {
            "id": "x",
            "source": "b",
            "source_port": "value",
            "target": "agent",
            "target_port": "tools",
        }
    )
    edges.append(
        {"id": "y", "source": "b", "source_port": "tool", "target": "agent", "target_port": "input"}
    )
    found = slots(parse_graph({"nodes": nodes, "edges": edges}), KINDS)
    assert found == {"agent": ("c", "a"), "boss": ("agent", "a")}
    assert agents_of(found) == {"c": ["agent"], "a": ["agent", "boss"], "agent": ["boss"]}


def test_each_argument_of_the_form_is_a_parameter():
    node = web(
        config={"prompt": "{{ args.query }} in {{ args.place }}", "when": "args.query != ''"}
    )
    spec = tool_spec(node, WEB)
    assert list(spec.parameters["properties"]) == ["place", "query"]
    assert spec.parameters["required"] == ["place", "query"]
    assert spec.parameters["properties"]["query"] == {
        "type": "string",
        "description": "Used in “Prompt”.",
    }


def test_a_tool_without_arguments_that_reads_its_input_takes_that():
    assert list(tool_spec(web(), WEB).parameters["properties"]) == ["input"]
    assert tool_spec(web(config={"prompt": "fixed"}), WEB).parameters["properties"] == {}


def test_name_and_description_come_from_the_settings_first():
    assert (tool_name(web()), tool_spec(web(), WEB).description) == ("web", WEB.summary)
    assert tool_spec(web(label="Find prices"), WEB).description == f"Find prices: {WEB.summary}"
    node = web(settings={"tool_name": "search", "tool_description": "Searches."})
    assert (tool_name(node), tool_spec(node, WEB).description) == ("search", "Searches.")


def test_a_broken_expression_does_not_hide_the_other_arguments():
    node = web(config={"prompt": "{{ args. }}", "when": "args.ok"})
    assert list(tool_spec(node, WEB).parameters["properties"]) == ["ok"]


def test_ports_of_a_node_follow_its_form_and_settings():
    cases = KINDS.get("logic.cases")
    node = NodeRef(id="n", kind="logic.cases", config={"cases": [{"name": "big", "when": "true"}]})
    assert [p.name for p in outputs_of(node, cases)] == ["value", "big"]
    half = NodeRef(
        id="n", kind="logic.cases", config={"cases": [{}, 3]}, settings={"on_error": "error_port"}
    )
    assert [p.name for p in outputs_of(half, cases)] == ["value", "error"]
    assert [p.name for p in outputs_of(web(), WEB)] == ["value", "tool"]


def test_a_form_is_filled_with_defaults():
    assert filled(web(config={"size": 5}), WEB)["size"] == 5
    assert filled(web(), WEB)["prompt"] == "{{ input }}"
    assert form_schema(WEB) is form_schema(WEB)

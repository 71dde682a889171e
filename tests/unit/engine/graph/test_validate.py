import time

import pytest

from app.engine.graph.document import parse_graph
from app.engine.graph.edits import apply
from app.engine.graph.validate import check
from tests.unit.engine.graph.kinds import KINDS


def graph(nodes, *edges):
    """Nodes by id: kind or a dict with it; edges as `a.out>b.in`."""
    made = []
    for index, (node_id, raw) in enumerate(nodes.items()):
        values = {"kind": raw} if isinstance(raw, str) else raw
        made.append({"id": node_id, "position": {"x": 100 * index, "y": 0}, **values})
    wires = []
    for index, edge in enumerate(edges):
        (source, source_port), (target, target_port) = (end.split(".") for end in edge.split(">"))
        wires.append(
            {
                "id": f"e{index}",
                "source": source,
                "source_port": source_port,
                "target": target,
                "target_port": target_port,
            }
        )
    return parse_graph({"nodes": made, "edges": wires})


def problems(found, code=None):
    return [p for p in check(found, KINDS) if code is None or p.code == code]


def only(found, code):
    (problem,) = problems(found)
    assert problem.code == code
    return problem


def mended(found, problem):
    return apply(found, problem.fix.ops).graph


GOOD = (
    {"start": "trigger.start", "ask": {"kind": "data.prompt", "label": "Ask"}},
    "start.value>ask.input",
)


def with_config(**config):
    nodes = {**GOOD[0], "ask": {"kind": "data.prompt", "label": "Ask", "config": config}}
    return graph(nodes, GOOD[1])


def test_a_sound_graph_has_no_problems():
    assert problems(graph(*GOOD)) == []


class TestForms:
    def test_a_kind_nobody_knows_blocks_and_keeps_its_data(self):
        found = graph(
            {**GOOD[0], "odd": {"kind": "zoo.lion", "label": "Leo", "config": {"a": 1}}},
            GOOD[1],
            "ask.text>odd.in",
        )
        problem = only(found, "unknown_kind")
        assert problem.severity == "error"
        assert "“Leo”" in problem.message
        assert "zoo.lion" in problem.message
        assert problems(mended(found, problem)) == []

    def test_a_node_of_a_newer_version_is_unknown(self):
        found = graph(
            {**GOOD[0], "new": {"kind": "data.prompt", "version": 3}}, GOOD[1], "ask.text>new.input"
        )
        assert "newer version" in only(found, "unknown_kind").message

    def test_an_emptied_field_is_missing_and_its_default_one_click_away(self):
        problem = only(with_config(prompt=""), "missing_field")
        assert problem.message == "“Ask” is not complete: fill in “Prompt”."
        assert (problem.node_id, problem.field) == ("ask", "prompt")
        assert problems(mended(with_config(prompt=""), problem)) == []

    def test_a_required_field_that_is_not_there_is_missing(self):
        found = graph({"start": "trigger.start", "pick": "logic.cases"}, "start.value>pick.input")
        assert only(found, "missing_field").field == "cases"

    @pytest.mark.parametrize(
        ("config", "field", "words"),
        [
            ({"size": "many"}, "size", "“Size” takes a whole number."),
            ({"size": 12}, "size", "“Size” must be at most 9."),
            ({"color": "blue"}, "color", "“Color” must be 'red' or 'green'."),
            ({"prompt": 3}, "prompt", "“Prompt” takes a text."),
            ({"prompt": "x" * 201}, "prompt", "“Prompt” may have at most 200 letters."),
            ({"colour": 1}, "colour", "“colour” is not a field of this node."),
        ],
    )
    def test_an_unfit_value_says_what_the_field_takes(self, config, field, words):
        found = with_config(**config)
        problem = only(found, "bad_value")
        assert problem.message == f"“Ask”: {words}"
        assert problem.field == field
        assert problems(mended(found, problem)) == []

    def test_values_in_lists_are_named_from_one(self):
        config = {"cases": [{"name": "a", "when": "true"}, {"name": ""}]}
        nodes = {"start": "trigger.start", "pick": {"kind": "logic.cases", "config": config}}
        found = problems(graph(nodes, "start.value>pick.input"))
        assert {p.code for p in found} == {"missing_field"}
        assert [p.field for p in found] == ["cases.1.name", "cases.1.when"]
        assert "“Cases” → no. 2 → “Name”" in found[0].message

    def test_a_rule_of_the_node_speaks_for_itself(self):
        config = {"cases": [{"name": "a", "when": "true"}] * 2}
        nodes = {"start": "trigger.start", "pick": {"kind": "logic.cases", "config": config}}
        problem = only(graph(nodes, "start.value>pick.input"), "bad_value")
        assert problem.message == "“Cases”: “Cases”: two cases have one name."

    def test_a_rule_about_values_that_are_not_known_yet_is_left_to_the_run(self):
        cases = [{"name": "a", "when": "true", "note": note} for note in ("{{ input }}", "")]
        nodes = {
            "start": "trigger.start",
            "pick": {"kind": "logic.cases", "config": {"cases": cases}},
        }
        assert problems(graph(nodes, "start.value>pick.input")) == []

    def test_an_expression_may_stand_in_any_field(self):
        assert (
            problems(with_config(size="{{ input.n }}", color="{{ input.c }}", when="input.n > 1"))
            == []
        )

    def test_the_alternatives_of_a_field_are_not_part_of_its_place(self):
        config = {"cases": [{"name": "a", "when": "true"}], "pair": {"x": 1}}
        nodes = {"start": "trigger.start", "pick": {"kind": "logic.cases", "config": config}}
        assert only(graph(nodes, "start.value>pick.input"), "bad_value").field == "pair.x"

    def test_a_node_that_is_switched_off_is_not_checked(self):
        node = {
            "kind": "data.prompt",
            "config": {"prompt": "{{ nope"},
            "settings": {"disabled": True},
        }
        assert problems(graph({**GOOD[0], "ask": node}, GOOD[1])) == []

    @pytest.mark.parametrize(
        "text",
        [
            "sk-abcdefghijklmnop1234",
            "Authorization: Bearer abcdef0123456789abcdef",
            "ghp_abcdefghijklmnopqrstuvwxyz",
            "AKIAABCDEFGHIJKLMNOP",
            "-----BEGIN RSA PRIVATE KEY-----",
        ],
    )
    def test_a_secret_is_found_and_never_repeated(self, text):
        problem = only(with_config(prompt=f"Use {text} please"), "secret_in_field")
        assert problem.severity == "warning"
        assert problem.field == "prompt"
        assert text[8:] not in problem.model_dump_json()

    @pytest.mark.parametrize(
        "text",
        [
            "Bearer {{ vars.token }}",
            "the basic internationalization of it",
            "risk-assessment-of-the-year",
            "a" * 64,
        ],
    )
    def test_ordinary_text_is_no_secret(self, text):
        assert problems(with_config(prompt=text)) == []


class TestReferences:
    def test_a_broken_expression_names_field_and_fault(self):
        problem = only(with_config(prompt="Hi {{ input. }}"), "bad_expression")
        assert problem.message.startswith("“Ask”: in “Prompt”, the expression cannot be read")
        assert problem.field == "prompt"

    @pytest.mark.parametrize(
        ("text", "words", "fixed"),
        [
            ("{{ nodes.strat.value }}", "Did you mean `nodes.start`", "{{ nodes.start.value }}"),
            ("{{ nodes.Begin_here }}", "Did you mean `nodes.start`", "{{ nodes.start }}"),
            ("{{ nodes.start.valu }}", "It gives `value`", "{{ nodes.start.value }}"),
            ("{{ start.value }}", "write `nodes.start`", "{{ nodes.start.value }}"),
            ("{{ imput }}", "`imput` does not exist", "{{ input }}"),
            ("{{ context.last }}", "`context.last_output`", "{{ context.last_output }}"),
            ("{{ item }}", "inside a For each", None),
            ("{{ args.q }}", "tool port", None),
            ("{{ nodes['strat'].value }}", "Did you mean", "{{ nodes.start.value }}"),
            ("{{ nodes.qqqq }}", "there is no node `qqqq`", None),
        ],
    )
    def test_an_unknown_name_gets_the_nearest_one(self, text, words, fixed):
        nodes = {**GOOD[0], "start": {"kind": "trigger.start", "label": "Begin here"}}
        nodes["ask"] = {"kind": "data.prompt", "config": {"prompt": text}}
        found = graph(nodes, GOOD[1])
        problem = only(found, "unknown_reference")
        assert words in problem.message
        assert problem.field == "prompt"
        if fixed is None:
            assert problem.fix is None
        else:
            assert mended(found, problem).by_id["ask"].config["prompt"] == fixed
            assert problems(mended(found, problem)) == []

    def test_literal_text_and_hidden_fields_are_not_read(self):
        assert problems(with_config(code="{{ nodes.x }}", extra="{{ nodes.x }}")) == []
        assert problems(with_config(color="green", extra="{{ nodes.x }}")) != []

    def test_a_misspelt_field_of_the_trigger_is_a_warning(self):
        start = {"kind": "trigger.start", "config": {"fields": ["message", "name"]}}
        ask = {
            "kind": "data.prompt",
            "config": {"prompt": "{{ trigger.mesage }} {{ trigger.other }}"},
        }
        problem = only(graph({"start": start, "ask": ask}, GOOD[1]), "unknown_reference")
        assert problem.severity == "warning"
        assert "`trigger.message`" in problem.message

    def test_a_node_that_runs_later_or_beside_is_late(self):
        nodes = {**GOOD[0], "side": "data.prompt", "last": "data.prompt"}
        nodes["ask"] = {
            "kind": "data.prompt",
            "config": {
                "prompt": "{{ nodes.side.text }} {{ nodes.last.text }} {{ nodes.ask.text }}"
            },
        }
        found = graph(nodes, GOOD[1], "start.value>side.input", "ask.text>last.input")
        late = problems(found)
        assert [p.code for p in late] == ["late_reference"] * 3
        assert {p.severity for p in late} == {"warning"}

    def test_an_earlier_node_is_not_late_however_far(self):
        nodes = {
            **GOOD[0],
            "b": "data.prompt",
            "c": {"kind": "data.prompt", "config": {"prompt": "{{ nodes.start.value }}"}},
        }
        assert problems(graph(nodes, GOOD[1], "ask.text>b.input", "b.text>c.input")) == []

    def test_a_body_reads_item_and_what_ran_before_its_container(self):
        nodes = {
            **GOOD[0],
            "loop": "logic.loop",
            "in1": {
                "kind": "data.prompt",
                "parent": "loop",
                "config": {"prompt": "{{ item }} {{ index }} {{ nodes.ask.text }}"},
            },
            "in2": {
                "kind": "data.prompt",
                "parent": "loop",
                "config": {"prompt": "{{ nodes.in1.text }}"},
            },
            "after": {"kind": "data.prompt", "config": {"prompt": "{{ nodes.loop.rows }}"}},
        }
        edges = (GOOD[1], "ask.text>loop.input", "in1.text>in2.input", "loop.rows>after.input")
        assert problems(graph(nodes, *edges)) == []
        nodes["after"] = {"kind": "data.prompt", "config": {"prompt": "{{ nodes.in1.text }}"}}
        assert "inside a container" in only(graph(nodes, *edges), "unknown_reference").message
        nodes["after"] = "data.prompt"
        nodes["in1"] = {
            "kind": "data.prompt",
            "parent": "loop",
            "config": {"prompt": "{{ nodes.loop.rows }} {{ nodes.after.text }}"},
        }
        assert [p.code for p in problems(graph(nodes, *edges))] == ["late_reference"] * 2

    def test_ports_of_a_node_with_several_inputs_are_known(self):
        nodes = {
            "start": "trigger.start",
            "pair": {
                "kind": "data.pair",
                "config": {"prompt": "{{ input.left }} {{ input.rigth }}"},
            },
        }
        found = graph(nodes, "start.value>pair.left")
        problem = only(found, "unknown_reference")
        assert mended(found, problem).by_id["pair"].config["prompt"].endswith("{{ input.right }}")

    def test_an_error_port_can_be_read_once_it_is_on(self):
        last = {"kind": "data.prompt", "config": {"prompt": "{{ nodes.ask.error.message }}"}}
        nodes = {**GOOD[0], "last": last}
        assert only(graph(nodes, GOOD[1], "ask.text>last.input"), "unknown_reference")
        nodes["ask"] = {"kind": "data.prompt", "settings": {"on_error": "error_port"}}
        assert problems(graph(nodes, GOOD[1], "ask.text>last.input", "ask.error>last.input")) == []


class TestWires:
    def test_an_edge_between_types_that_do_not_fit_is_refused_with_the_reason(self):
        nodes = {"start": "trigger.start", "rows": "data.rows", "need": "data.need"}
        found = graph(nodes, "start.value>rows.input", "rows.rows>need.text")
        problem = only(found, "type_mismatch")
        assert "“Rows” of “Rows” does not fit “Text” of “Need”" in problem.message
        assert "a list" in problem.message
        assert problem.edge_id == "e1"
        assert [e.id for e in mended(found, problem).edges] == ["e0"]

    def test_a_merge_takes_whatever_fits_one_by_one(self):
        nodes = {**GOOD[0], "merge": "logic.merge"}
        assert problems(graph(nodes, GOOD[1], "ask.text>merge.rows")) == []

    def test_an_edge_from_a_port_that_is_gone_can_be_moved(self):
        found = graph(GOOD[0], "start.valu>ask.input")
        problem = only(found, "unknown_port")
        assert "has no output `valu`" in problem.message
        assert mended(found, problem).edges[0].source_port == "value"
        assert problems(mended(found, problem)) == []

    def test_an_edge_into_a_port_that_is_not_there_is_named_at_its_target(self):
        found = graph({**GOOD[0], "pair": "data.pair"}, GOOD[1], "ask.text>pair.middle")
        problem = only(found, "unknown_port")
        assert (problem.node_id, problem.edge_id) == ("pair", "e1")

    def test_nothing_leads_into_a_trigger(self):
        found = graph({**GOOD[0], "again": "trigger.start"}, GOOD[1], "ask.text>again.input")
        assert "starts the run" in problems(found, "unknown_port")[0].message

    def test_an_edge_from_a_branch_that_was_renamed_is_dangling(self):
        config = {"cases": [{"name": "large", "when": "true"}]}
        nodes = {
            "start": "trigger.start",
            "pick": {"kind": "logic.cases", "config": config},
            "ask": "data.prompt",
        }
        assert problems(graph(nodes, "start.value>pick.input", "pick.large>ask.input")) == []
        found = graph(nodes, "start.value>pick.input", "pick.tiny>ask.input")
        problem = only(found, "unknown_port")
        assert problems(mended(found, problem), "unknown_port") == []

    def test_the_error_port_can_be_switched_on(self):
        found = graph({**GOOD[0], "last": "data.prompt"}, GOOD[1], "ask.error>last.input")
        problem = only(found, "unknown_port")
        assert problems(mended(found, problem)) == []

    def test_an_input_that_must_be_connected_can_be(self):
        found = graph(
            {**GOOD[0], "need": "data.need", "last": "data.prompt"}, GOOD[1], "need.text>last.input"
        )
        problem = problems(found, "missing_input")[0]
        assert (problem.node_id, problem.field, problem.severity) == ("need", "text", "error")
        assert problem.fix.title == "Connect it to “Ask”"
        assert problems(mended(found, problem)) == []

    def test_reading_an_input_that_nothing_is_connected_to_is_a_warning(self):
        found = graph(
            {**GOOD[0], "b": "data.prompt", "c": "data.prompt"}, GOOD[1], "b.text>c.input"
        )
        warning = problems(found, "missing_input")[0]
        assert (warning.severity, warning.node_id) == ("warning", "b")

    def test_no_edge_crosses_the_border_of_a_container(self):
        nodes = {
            **GOOD[0],
            "loop": "logic.loop",
            "inner": {"kind": "data.prompt", "parent": "loop"},
        }
        found = graph(nodes, GOOD[1], "ask.text>loop.input", "ask.text>inner.input")
        problem = only(found, "misplaced")
        assert problems(mended(found, problem)) == []


TOOLED = {
    **GOOD[0],
    "agent": "agent.run",
    "web": {"kind": "tool.web", "config": {"prompt": "{{ args.query }}"}},
}
TOOL_EDGES = (GOOD[1], "ask.text>agent.input", "web.tool>agent.tools")


class TestTools:
    def test_a_tool_needs_no_input_and_reads_args(self):
        assert problems(graph(TOOLED, *TOOL_EDGES)) == []

    def test_a_tool_has_no_other_edges(self):
        found = graph(
            {**TOOLED, "last": "data.prompt"},
            *TOOL_EDGES,
            "web.value>last.input",
            "ask.text>web.input",
        )
        problem = problems(found, "tool_misuse")[0]
        assert "“Web” is a tool of “Run”" in problem.message
        assert problems(mended(found, problem), "tool_misuse") == []
        assert len(mended(found, problem).edges) == 3

    def test_a_tool_port_leads_to_an_agent_only(self):
        assert (
            "agent"
            in problems(graph(TOOLED, *TOOL_EDGES[:2], "web.tool>ask.input"), "type_mismatch")[
                0
            ].message
        )
        assert problems(graph(TOOLED, *TOOL_EDGES, "start.value>agent.tools"), "type_mismatch")

    def test_the_output_of_a_tool_is_not_there_for_others(self):
        nodes = {
            **TOOLED,
            "last": {"kind": "data.prompt", "config": {"prompt": "{{ nodes.web.value }}"}},
        }
        assert (
            "is a tool"
            in only(graph(nodes, *TOOL_EDGES, "agent.text>last.input"), "late_reference").message
        )

    def test_two_tools_of_one_agent_have_two_names(self):
        second = {"kind": "tool.web", "settings": {"tool_name": "web"}}
        found = graph({**TOOLED, "find": second}, *TOOL_EDGES, "find.tool>agent.tools")
        problem = only(found, "tool_misuse")
        assert problem.field == "settings.tool_name"
        assert problems(mended(found, problem)) == []

    def test_agents_that_are_tools_of_each_other_are_a_circle(self):
        nodes = {**GOOD[0], "a": "agent.run", "b": "agent.run"}
        found = graph(nodes, GOOD[1], "a.tool>b.tools", "b.tool>a.tools")
        assert problems(found, "cycle")


class TestOrder:
    def test_a_graph_without_trigger_gets_one_connected(self):
        found = graph({"ask": "data.prompt", "last": "data.prompt"}, "ask.text>last.input")
        problem = problems(found, "no_trigger")[0]
        fixed = mended(found, problem)
        assert problems(fixed) == []
        assert fixed.by_id["start"].kind == "trigger.start"

    def test_an_empty_canvas_asks_for_a_trigger(self):
        problem = only(graph({}), "no_trigger")
        assert problem.message == "The canvas is empty. Add a trigger."
        assert problems(mended(graph({}), problem)) == []

    def test_a_trigger_that_is_switched_off_starts_nothing(self):
        found = graph(
            {**GOOD[0], "start": {"kind": "trigger.start", "settings": {"disabled": True}}}, GOOD[1]
        )
        problem = only(found, "no_trigger")
        assert problems(mended(found, problem)) == []

    def test_a_circle_names_its_nodes_and_the_way_back(self):
        nodes = {
            "start": "trigger.start",
            "merge": "logic.merge",
            "a": "data.prompt",
            "b": "data.prompt",
            "c": "data.prompt",
        }
        edges = (
            "start.value>merge.rows",
            "merge.value>a.input",
            "a.text>b.input",
            "b.text>merge.rows",
            "b.text>c.input",
        )
        found = graph(nodes, *edges)
        problem = only(found, "cycle")
        assert "“Merge” → “Prompt” → “Prompt” → “Merge”" in problem.message
        assert problem.edge_id == "e3"
        assert problems(mended(found, problem)) == []

    def test_a_node_connected_to_itself_is_a_circle(self):
        found = graph(GOOD[0], GOOD[1], "ask.text>ask.input")
        assert only(found, "cycle").fix.ops == ({"op": "remove_edge", "id": "e1"},)

    def test_two_circles_are_two_problems(self):
        nodes = {**GOOD[0], "b": "data.prompt"}
        found = graph(nodes, GOOD[1], "ask.text>ask.input", "ask.text>b.input", "b.text>b.input")
        assert len(problems(found, "cycle")) == 2

    def test_a_node_without_edges_is_an_orphan(self):
        found = graph({**GOOD[0], "b": "data.prompt"}, GOOD[1])
        problem = only(found, "orphan")
        assert problem.severity == "warning"
        assert problem.fix.title == "Connect it to “Ask”"
        assert problems(mended(found, problem)) == []

    def test_what_no_trigger_leads_to_is_unreachable(self):
        found = graph(
            {
                **GOOD[0],
                "b": {"kind": "data.prompt", "config": {"prompt": "x"}},
                "c": "data.prompt",
            },
            GOOD[1],
            "b.text>c.input",
        )
        late = problems(found)
        assert [(p.code, p.node_id) for p in late] == [("unreachable", "b"), ("unreachable", "c")]
        assert problems(mended(found, late[0])) == []

    def test_a_container_needs_a_body(self):
        found = graph({**GOOD[0], "loop": "logic.loop"}, GOOD[1], "ask.text>loop.input")
        assert only(found, "empty_body").node_id == "loop"

    def test_only_containers_hold_nodes_and_never_triggers(self):
        found = graph({**GOOD[0], "b": {"kind": "data.prompt", "parent": "ask"}}, GOOD[1])
        assert "cannot hold" in problems(found, "misplaced")[0].message
        inner = {"kind": "trigger.start", "parent": "loop"}
        found = graph(
            {**GOOD[0], "loop": "logic.loop", "in1": inner}, GOOD[1], "ask.text>loop.input"
        )
        problem = problems(found, "misplaced")[0]
        assert problems(mended(found, problem), "misplaced") == []

    def test_a_node_without_ports_may_stand_alone(self):
        assert problems(graph({**GOOD[0], "note": "flow.note"}, GOOD[1])) == []


def test_errors_come_first_and_each_names_a_node():
    found = graph(
        {**GOOD[0], "b": "data.prompt", "loop": "logic.loop"}, GOOD[1], "ask.text>loop.input"
    )
    listed = problems(found)
    assert [p.severity for p in listed] == ["error", "warning"]
    assert all(p.node_id and p.message.endswith(".") for p in listed)


def _chain(size):
    nodes = {"n0": "trigger.start"}
    edges = []
    for index in range(1, size):
        before = f"n{index - 1}"
        port = "value" if index == 1 else "text"
        text = f"Take {{{{ input }}}} and {{{{ nodes.{before}.{port} }}}} of {index}"
        nodes[f"n{index}"] = {"kind": "data.prompt", "config": {"prompt": text}}
        edges.append(f"{before}.{port}>n{index}.input")
    return graph(nodes, *edges)


def test_two_hundred_nodes_are_checked_as_one_types():
    found = _chain(200)
    assert problems(found) == []
    best = min(_seconds(found) for _ in range(5))
    assert best < 0.05


def test_the_largest_graph_full_of_problems_is_still_checked():
    nodes = {
        f"n{index}": {"kind": "data.prompt", "config": {"prompt": ""}} for index in range(2_000)
    }
    found = graph(nodes)
    assert _seconds(found) < 3
    assert len(problems(found)) == 500


def _seconds(found):
    started = time.process_time()
    check(found, KINDS)
    return time.process_time() - started

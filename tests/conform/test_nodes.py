"""What every node type of the catalog must keep to."""

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from pydantic import BaseModel
from reflex_components_lucide.icon import LUCIDE_ICON_LIST

from app.adapters.process import sandbox
from app.engine.catalog import catalog
from app.engine.sdk import Example, NodeType
from app.engine.sdk.node import ERROR_PORT, PORT_TYPES, TOOL_PORT
from app.engine.testing import run_example
from app.kernel.errors import AppError

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "app/engine/nodes"
TYPES = catalog().all()
KINDS = {
    "trigger.manual",
    "trigger.chat",
    "model.chat",
    "model.classify",
    "model.extract",
    "agent.run",
    "tool.http",
    "tool.code_python",
    "logic.if",
    "logic.switch",
    "logic.merge",
    "logic.for_each",
    "logic.while",
    "data.set",
    "data.template",
    "data.jsonpath",
    "memory.key_value",
    "human.approval",
    "flow.respond",
    "flow.run_workflow",
    "logic.wait",
    "flow.stop",
}
HEAVY = (
    "openai",
    "anthropic",
    "langchain",
    "langchain_core",
    "langgraph",
    "numpy",
    "onnxruntime",
    "httpx",
    "regex",
)
LIGHT = {*sys.stdlib_module_names, "pydantic", "pydantic_core"}
WIDGETS = {
    "",
    "text",
    "prompt",
    "code",
    "expression",
    "model",
    "choice",
    "list",
    "fields",
    "schema",
    "key_value",
    "json",
    "workflow",
}
EXAMPLES = [
    pytest.param(node_type, example, id=f"{node_type.kind}: {example.title}")
    for node_type in TYPES
    for example in node_type.examples
]

each = pytest.mark.parametrize("node_type", TYPES, ids=lambda node_type: node_type.kind)


@pytest.mark.parametrize(("node_type", "example"), EXAMPLES)
async def test_example_gives_what_it_says(node_type: NodeType, example: Example):
    try:
        if example.raises:
            with pytest.raises(example.raises) as caught:
                await run_example(node_type, example, python=sandbox.run_python)
            assert isinstance(caught.value, AppError), "people see only errors with a code"
            return
        ran = await run_example(node_type, example, python=sandbox.run_python)
    finally:
        await sandbox.close()
    wanted = (
        example.out.model_dump(mode="json")
        if isinstance(example.out, BaseModel)
        else dict(example.out or {})
    )
    assert {name: ran.values.get(name) for name in wanted} == wanted
    assert ran.alive == example.alive
    ports = {port.name for port in node_type.output_ports(example.config.model_dump(mode="json"))}
    assert set(ran.values) <= ports
    assert (ran.alive or set()) <= ports


def test_the_catalog_has_all_kinds():
    assert {node_type.kind for node_type in TYPES} >= KINDS


@each
def test_has_examples_with_an_error_among_them(node_type: NodeType):
    assert len(node_type.examples) >= 2
    assert any(example.raises for example in node_type.examples)
    titles = [example.title for example in node_type.examples]
    assert len(set(titles)) == len(titles)


@each
def test_form_is_a_json_schema_with_a_title_on_every_field(node_type: NodeType):
    schema = node_type.config_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    forms = [
        schema,
        *(form for form in schema.get("$defs", {}).values() if form.get("type") == "object"),
    ]
    for form in forms:
        for name, about in form.get("properties", {}).items():
            assert about.get("title"), name
            assert about["title"][0].isupper(), name
            assert about.get("widget", "") in WIDGETS, name
            assert about.get("mode") in ("template", "expression", "literal"), name
            for other, values in about.get("show_if", {}).items():
                shown_at = values if isinstance(values, list) else [values]
                assert other in form["properties"], f"{name} depends on a field that is not there"
                assert set(shown_at) <= set(form["properties"][other]["enum"]), name
            if "options" in about and "enum" in about:
                assert len(about["options"]) == len(about["enum"]), name


@each
def test_defaults_make_a_form_that_lacks_only_required_fields(node_type: NodeType):
    required = {name for name, info in node_type.config.model_fields.items() if info.is_required()}
    assert required | set(node_type.default_config) == set(node_type.config.model_fields)
    if not required:
        node_type.config.model_validate(node_type.default_config)


@each
def test_few_fields_stand_in_the_open(node_type: NodeType):
    properties = node_type.config_schema().get("properties", {})
    assert len([name for name, about in properties.items() if not about.get("advanced")]) <= 6


@each
def test_kind_names_its_file_and_the_folder_is_the_category(node_type: NodeType):
    place = Path(inspect.getfile(node_type.run)).relative_to(FOLDER)
    assert node_type.category == place.parent.as_posix()
    assert place.stem.rstrip("_") in node_type.kind.split(".")


@each
def test_is_documented(node_type: NodeType):
    assert node_type.summary.endswith(".")
    assert len(node_type.summary) <= 100
    assert len(node_type.description) >= 100
    assert node_type.title
    assert node_type.icon.replace("-", "_") in LUCIDE_ICON_LIST, "see https://lucide.dev/icons"


@each
def test_every_older_version_is_upgraded(node_type: NodeType):
    assert set(node_type.upgrades) == set(range(1, node_type.version))


@each
def test_ports_are_typed_and_named_apart(node_type: NodeType):
    for example in node_type.examples:
        outputs = node_type.output_ports(example.config.model_dump(mode="json"))
        names = [port.name for port in outputs]
        assert len(set(names)) == len(names)
        assert not {ERROR_PORT, TOOL_PORT} & set(names), "these two are added by the engine"
        for port in (*node_type.input_ports(), *outputs):
            assert port.type in PORT_TYPES
            assert port.title
    assert node_type.input_ports() or node_type.trigger


@each
def test_ports_stand_a_half_written_form(node_type: NodeType):
    halves = [
        {},
        {"labels": None, "cases": "x"},
        {"labels": [None, {}, {"name": 3}, {"name": "error"}], "cases": [1, {"name": ""}]},
    ]
    for half in halves:
        names = [port.name for port in node_type.output_ports(half)]
        assert len(set(names)) == len(names)
        if node_type.input_schema_for:
            jsonschema.Draft202012Validator.check_schema(node_type.input_schema_for(half))


@each
def test_triggers_say_what_a_run_is_given(node_type: NodeType):
    assert (node_type.input_schema_for is not None) == node_type.trigger
    if node_type.input_schema_for:
        for example in node_type.examples:
            schema = node_type.input_schema_for(example.config.model_dump(mode="json"))
            jsonschema.Draft202012Validator.check_schema(schema)
            assert schema["type"] == "object"


@each
def test_what_may_run_in_the_web_process_is_harmless(node_type: NodeType):
    if node_type.quick:
        assert node_type.effects == "none"
        assert not any((node_type.container, node_type.uses_model, node_type.tool))


def test_importing_all_node_types_loads_nothing_heavy():
    program = (
        "import sys; from app.engine.catalog import catalog; catalog().public(); "
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@each
def test_a_node_file_imports_only_the_sdk_of_ours_and_what_is_heavy_when_it_runs(
    node_type: NodeType,
):
    tree = ast.parse(Path(inspect.getfile(node_type.run)).read_text(encoding="utf-8"))
    for item in ast.walk(tree):
        if isinstance(item, ast.ImportFrom):
            assert item.level == 0, "imports are written out"
            names = [item.module or ""]
        else:
            names = [one.name for one in item.names] if isinstance(item, ast.Import) else []
        for name in names:
            root = name.partition(".")[0]
            if root == "app":
                assert name.startswith(("app.engine.sdk", "app.kernel"))
            else:
                assert root in LIGHT or item not in tree.body, name

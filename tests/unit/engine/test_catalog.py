import importlib
import inspect
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from app.engine import nodes
from app.engine.catalog import PALETTE_ORDER, Catalog, catalog, found_in
from app.engine.docs import render
from app.engine.sdk import (
    Example,
    InvalidInput,
    NodeConfig,
    NodeContext,
    Ports,
    field,
    node,
    port,
)
from app.engine.sdk.node import ports_of
from app.kernel.errors import Defect


class Config(NodeConfig):
    need: str = field(title="Need")
    size: int = field(3, title="Size", ge=1)


class In(Ports):
    text: str
    more: list[str] = port([], title="More", many=True)


class Out(Ports):
    text: str
    hidden: int = port(0, title="Hidden", socket=False)


async def _run(config: Config, inputs: In, ctx: NodeContext) -> Out:
    """Do nothing."""
    return Out(text="")


def _type(kind, **options):
    declared = node(kind=kind, title=kind, icon="box", **options)(_run)
    return replace(declared, category=kind.partition(".")[0])


def test_types_are_found_by_kind_in_the_order_of_the_palette():
    own = Catalog([_type("flow.b"), _type("zoo.x"), _type("trigger.b"), _type("trigger.a")])
    assert [t.kind for t in own.all()] == ["trigger.a", "trigger.b", "flow.b", "zoo.x"]
    assert own.get("flow.b").kind == "flow.b"
    assert own.get("flow.c") is None


def test_two_types_of_one_kind_are_a_defect():
    with pytest.raises(Defect, match=r"flow\.b"):
        Catalog([_type("flow.b"), _type("flow.b")])


def test_the_api_sees_form_ports_and_examples():
    examples = [
        Example("works", Config(need="x"), In(text="a"), Out(text="b")),
        Example("fails", Config(need="x"), In(text=""), raises=InvalidInput),
    ]
    (item,) = Catalog([_type("data.x", tool=True, examples=examples)]).public()
    assert item["kind"] == "data.x"
    assert item["default_config"] == {"size": 3}
    assert item["config_schema"]["properties"]["need"]["title"] == "Need"
    assert item["inputs"] == [
        {"name": "text", "type": "text", "title": "text", "required": True, "many": False},
        {"name": "more", "type": "list", "title": "More", "required": False, "many": True},
    ]
    assert [(p["name"], p["socket"]) for p in item["outputs"]] == [
        ("text", True),
        ("hidden", False),
    ]
    assert item["examples"] == [
        {
            "title": "works",
            "config": {"need": "x"},
            "inputs": {"text": "a"},
            "outputs": {"text": "b", "hidden": 0},
        },
        {
            "title": "fails",
            "config": {"need": "x"},
            "inputs": {"text": ""},
            "error": "invalid_input",
        },
    ]


def test_the_catalogue_is_the_node_folders():
    found = catalog()
    assert found is catalog()
    assert {t.kind for t in found.all()} >= {
        "trigger.manual",
        "model.chat",
        "logic.if",
        "flow.respond",
    }
    assert {t.category for t in found.all()} <= set(PALETTE_ORDER)
    assert found.get("agent.run").category == "model"
    assert found.get("data.set").category == "transform"
    assert len(found.all()) == len(list(Path(nodes.__path__[0]).glob("*/[a-z]*.py")))


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of node types without any."""
    monkeypatch.syspath_prepend(tmp_path)
    folder = tmp_path / f"nodes_{tmp_path.name}"
    (folder / "tool").mkdir(parents=True)
    (folder / "__init__.py").touch()
    yield importlib.import_module(folder.name)
    for name in [one for one in sys.modules if one.partition(".")[0] == folder.name]:
        del sys.modules[name]


def test_a_folder_is_a_category_without_being_named_anywhere(package):
    folder = Path(package.__path__[0])
    source = Path(inspect.getfile(catalog().get("data.set").run)).read_text(encoding="utf-8")
    (folder / "novel").mkdir()
    (folder / "novel" / "words.py").write_text(source.replace("data.set", "novel.words"))
    (folder / "tool" / "__pycache__").mkdir()
    (folder / "tool" / "__pycache__" / "set.pyc").touch()
    (found,) = found_in(package)
    assert (found.kind, found.category) == ("novel.words", "novel")
    palette = Catalog([found, _type("flow.b")]).all()
    assert [t.category for t in palette] == ["flow", "novel"]


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ("tool/helper.py", "declares 0 node types"),
        ("tool/notes.txt", "does not belong here"),
        ("tool/__init__.py", "does not belong here"),
        ("tool/deep/web.py", "does not belong here"),
        ("web.py", "does not belong here"),
    ],
)
def test_a_stray_file_is_a_defect_that_names_it(package, place, says):
    file = Path(package.__path__[0]) / place
    file.parent.mkdir(exist_ok=True)
    file.write_text("from app.engine.sdk import node\n")
    with pytest.raises(Defect, match=says) as caught:
        list(found_in(package))
    assert str(file) in caught.value.message


def test_the_page_of_a_type_tells_fields_ports_and_examples():
    page = render(
        _type("data.x", tool=True, examples=[Example("it works", Config(need="x"), In(text="a"))])
    )
    assert page.startswith("# data.x\n\n`data.x` · version 1 · data\n")
    assert "| Need | `need` | text | required |" in page
    assert "| Size | `size` | whole number | `3` | At least 1. |" in page
    assert "| text | `text` | text | required |" in page
    assert "Can be a tool" in page
    assert "**It works**" in page


def test_each_node_type_has_a_page():
    for node_type in catalog().all():
        page = render(node_type)
        assert node_type.summary in page
        assert "None" not in page.split("## Examples")[0]


def test_the_ports_of_a_class_are_made_once():
    assert ports_of(In) is ports_of(In)
    assert [p.name for p in ports_of(In)] == ["text", "more"]

"""Rooms of `services/runs`, and versions, are entered by the front: their `__init__` names what others use."""

import ast
import re
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = (
    *(
        f"app.services.runs.{room}"
        for room in ("recovery", "starting", "claiming", "lifecycle", "waits", "reading")
    ),
    "app.services.versions",
)
TEXTS = {
    path: path.read_text() for part in ("app", "bench") for path in (ROOT / part).rglob("*.py")
}


def _outside(room: str) -> dict[Path, str]:
    inside = ROOT / room.replace(".", "/")
    return {path: text for path, text in TEXTS.items() if inside not in path.parents}


@pytest.mark.parametrize("room", ROOMS)
def test_others_come_in_by_the_front(room):
    deep = re.compile(rf"^\s*(?:from|import) {re.escape(room)}\.", re.M)
    assert not [
        str(path.relative_to(ROOT)) for path, text in _outside(room).items() if deep.search(text)
    ]


@pytest.mark.parametrize("room", ROOMS)
def test_a_front_names_what_others_use_and_nothing_else(room):
    short = room.rpartition(".")[2]
    used: set[str] = set()
    for text in _outside(room).values():
        if short not in text:
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ImportFrom) and node.module == room:
                used |= {name.name for name in node.names}
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) == short:
                used.add(node.attr)
    front = import_module(room)
    assert set(front.__all__) - used == set()
    modules = {path.stem for path in (ROOT / room.replace(".", "/")).glob("*.py")}
    assert not modules & set(front.__all__), "a name of the front would hide the module"

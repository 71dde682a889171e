"""The rules of the house that no other tool checks."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.engine.catalog import catalog

ROOT = Path(__file__).resolve().parents[2]
APP = sorted((ROOT / "app").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
CATCH_ALL_EDGES = re.compile(
    r"app/(engine/runtime/|worker/|services/runs/lifecycle/execute|api/|state/|cli/)"
)


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for found in ast.walk(ast.parse(path.read_text())):
        if isinstance(found, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield found


def _length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    body = (
        function.body[1:]
        if ast.get_docstring(function) and len(function.body) > 1
        else function.body
    )
    return (function.end_lineno or 0) - body[0].lineno + 1


def test_files_are_short():
    long = [f"{_name(p)}: {n}" for p in APP if (n := len(p.read_text().splitlines())) > 600]
    long += [f"{_name(p)}: {n}" for p in TESTS if (n := len(p.read_text().splitlines())) > 800]
    assert not long


def test_functions_are_short():
    long = [
        f"{_name(p)}:{f.lineno} {f.name}: {_length(f)}"
        for p in APP
        for f in _functions(p)
        if _length(f) > 60
    ]
    assert not long


def test_no_style_of_ours_reaches_into_the_canvas_library():
    """React Flow marks parts of a node with such words: a class of that name that stands alone hits them, too."""
    theirs = "top|right|bottom|left|center|line|lines|handle|selected|selectable|draggable|dragging|animated|source|target|parent"
    alone = re.compile(rf"(?:^|[,}}\s])\.(?:{theirs})(?=[\s,{{:.])[^{{}}]*{{")
    sheets = [*(ROOT / "assets").glob("*.css"), *(ROOT / "app/components").rglob("*.css")]
    found = [
        f"{_name(sheet)}: {hit[0].strip()}"
        for sheet in sheets
        for hit in alone.finditer(sheet.read_text())
    ]
    assert len(sheets) > 5
    assert not [one for one in found if "react-flow" not in one]


def test_no_folder_is_a_drawer():
    drawers = {"utils", "common", "helpers", "misc"}
    assert not [_name(p) for p in APP if drawers & set(p.parts)]


def test_catch_all_exists_only_at_the_edges():
    caught = []
    for path in APP:
        if CATCH_ALL_EDGES.match(_name(path)):
            continue
        for found in ast.walk(ast.parse(path.read_text())):
            if isinstance(found, ast.ExceptHandler) and (
                found.type is None
                or (
                    isinstance(found.type, ast.Name)
                    and found.type.id in ("Exception", "BaseException")
                )
            ):
                caught.append(f"{_name(path)}:{found.lineno}")
    assert not caught


def test_our_modules_are_imported_at_the_top():
    deferred = []
    for path in APP:
        for function in _functions(path):
            for found in ast.walk(function):
                if isinstance(found, ast.ImportFrom) and (found.module or "").startswith("app."):
                    deferred.append(f"{_name(path)}:{found.lineno}")
    assert not deferred


def test_runtime_names_no_kind():
    kinds = {node_type.kind for node_type in catalog().all()}
    named = [
        f"{_name(p)}: {kind}"
        for p in (ROOT / "app/engine/runtime").rglob("*.py")
        for kind in kinds
        if f'"{kind}"' in p.read_text()
    ]
    assert kinds
    assert not named


def test_components_know_no_state():
    for path in (ROOT / "app/components").rglob("*.py"):
        assert "app.state" not in path.read_text(), _name(path)


def test_handlers_are_async():
    """A sync handler stops every tab of the process (measured)."""
    sync = []
    for path in (ROOT / "app/state").rglob("*.py"):
        for function in _functions(path):
            events = [d for d in function.decorator_list if "rx.event" in ast.unparse(d)]
            if events and isinstance(function, ast.FunctionDef):
                sync.append(f"{_name(path)}:{function.lineno} {function.name}")
    assert not sync


def test_services_never_commit():
    for path in (ROOT / "app/services").rglob("*.py"):
        assert not re.search(r"\.commit\w*\(", path.read_text()), _name(path)


TODO = "TO" + "DO"


def test_no_leftovers():
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.split("\n")
    if not any(tracked):
        pytest.skip("not a git checkout")
    left = []
    for name in tracked:
        path = ROOT / name
        if (
            path.suffix in (".py", ".js", ".jsx", ".css", ".md", ".sh")
            and path.exists()
            and name != "tests/house/test_layout.py"
        ):
            text = path.read_text()
            if re.search(rf"\b({TODO}|FIXME|XXX)\b", text) or "/work/" + "main" in text:
                left.append(name)
    assert not left

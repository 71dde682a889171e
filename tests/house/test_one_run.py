"""Runs come into being in one place: no other module builds a run's row or inserts one."""

import ast
import re
from pathlib import Path

import pytest

import app

APP = Path(app.__file__).parent
CREATE = "services/runs/starting/create.py"

# Who inserts rows of runs, and where the rows come from.
INSERTS = {
    f"{CREATE} create_run": "its own row, through the unit of work",
    "adapters/sql/journal_rows.py number_runs": "rows of `new_run_row`, many at once, through the writer",
}
# Who hands a new run to the writer.
STORES = {"services/runs/starting/inline.py": "rows of `new_run_row`"}

_INSERT = re.compile(r"\binsert\s+into\s+\"?run\b", re.I)


def _inserts(text: str) -> set[str]:
    """The functions of a module that build or insert a run."""
    found = set()
    tree = ast.parse(text)
    runs = {"Run", "models.Run", "_RUN", "metadata.tables['run']"}
    for function in ast.walk(tree):
        if not isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        for node in ast.walk(function):
            if isinstance(node, ast.Call):
                name = ast.unparse(node.func)
                given = {ast.unparse(argument) for argument in node.args}
                builds = name in runs or name.removesuffix(".model_validate") in runs
                if builds or (name.rpartition(".")[2] in ("insert", "_insert") and given & runs):
                    found.add(function.name)
            if isinstance(node, ast.Constant) and re.search(_INSERT, str(node.value)):
                found.add(function.name)
    return found


@pytest.mark.parametrize(
    "body",
    [
        "return Run(id='x')",
        "return models.Run.model_validate({})",
        "session.execute(insert(Run), rows)",
        "session.execute(insert(metadata.tables['run']).values(rows))",
        "session.execute(text('INSERT INTO run (id) VALUES (1)'))",
    ],
)
def test_the_rule_finds_what_it_is_for(body):
    assert _inserts(f"def make():\n    {body}") == {"make"}


def test_only_create_makes_runs():
    found = {
        f"{path.relative_to(APP).as_posix()} {name}"
        for path in sorted(APP.rglob("*.py"))
        for name in _inserts(path.read_text())
    }
    assert found == INSERTS.keys(), "make a NewRun and give it to create_run"


def test_whoever_stores_a_run_through_the_writer_has_its_row_from_create():
    stores = {
        path.relative_to(APP).as_posix()
        for path in sorted(APP.rglob("*.py"))
        if "writer.store(" in path.read_text()
    }
    assert stores == STORES.keys()
    assert all("new_run_row(" in (APP / name).read_text() for name in stores)

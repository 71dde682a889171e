"""Services read a workspace's rows only from `scoped(...)` on; what does not is listed here, with its reason."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlmodel import SQLModel

import app.models
from app.models import metadata

SERVICES = Path(app.models.__file__).parents[1] / "services"
_MAPPERS = SQLModel._sa_registry.mappers
OWNED = {m.class_.__name__ for m in _MAPPERS if hasattr(m.class_, "workspace_id")}
OWNED_TABLES = {name for name, table in metadata.tables.items() if "workspace_id" in table.columns}
_SQL = re.compile(rf"\b(?:from|join|update|into)\s+\"?({'|'.join(sorted(OWNED_TABLES))})\b", re.I)

# Where a statement does not start from `scoped`, and why it may not.
REVIEWED = {
    "identity/commands.py _actor": "finds out in which workspace a person acts: reads their own memberships",
    "identity/queries.py _MEMBER": "finds out in which workspace a person acts: reads their own memberships",
    "authority.py _standing": "asks for the memberships of everybody who is watching, by their own ids",
    "identity/local.py local_actor": "the command line acts for the owner of the installation, without an account",
    "workspaces/queries.py list_workspaces": "reads the person's own memberships, in all workspaces",
    "runs/starting/inline.py _HEAD": "a prepared statement of the hot path; names the workspace itself",
    "runs/starting/inline.py _KEYED": "a prepared statement of the hot path; names the workspace itself",
    "runs/lifecycle/claimed_run.py locked_by_id": "queue, workers and sweeper know runs by id alone; no person comes this way",
    "runs/recovery/forgotten.py unsettled_runs": "the sweeper looks through all workspaces and returns ids",
    "runs/recovery/forgotten.py forgotten_kin": "the sweeper looks through all workspaces and returns ids",
    "runs/waits/deliveries.py move_along": "the sweeper mends the waits of all workspaces",
    "runs/claiming/claim_sql.py *": "workers share the turns of all workspaces among themselves; no person comes this way",
    "triggers/firing.py any_due": "the sweeper asks whether there is anything to do, in any workspace",
    "triggers/firing.py due_triggers": "the sweeper looks through all workspaces and returns ids",
    "triggers/firing.py replan": "the sweeper repairs the triggers of all workspaces",
    "triggers/firing.py forget_old": "the sweeper cleans up in all workspaces",
    "triggers/firing.py _held": "the sweeper knows triggers by id alone",
}

# Functions that read by the id of a workspace's row and are given no actor, and why.
WITHOUT_ACTOR = {
    "runs/lifecycle/claimed_run.py locked_by_id": "queue, workers and sweeper know runs by id alone",
    "runs/lifecycle/claimed_run.py release": "a worker gives back the run that it holds, by its epoch",
    "runs/lifecycle/claimed_run.py wake": "the sweeper, or the end of a run that was called, wakes the one that waits",
    "runs/lifecycle/execute.py _whole": "a worker reads the values of the run that it holds, none of another run",
    "composition.py default_host": "is given the journal of the run that the worker holds, and its workflow's id",
    "runs/lifecycle/deliveries.py deliveries_of": "a worker asks about the run that it holds, by its epoch",
    "triggers/firing.py fire": "the sweeper knows triggers by id alone",
    "triggers/firing.py fail": "the sweeper knows triggers by id alone",
    "triggers/firing.py postpone": "the sweeper knows triggers by id alone",
    "triggers/firing.py _held": "the sweeper knows triggers by id alone",
}
_IDS = re.compile(r"^(run|step|workflow|schedule|value|project|approval|version|wait)_ids?$")
_READERS = {"uow", "app", "database"}
_ACTING = re.compile(r"\b(Actor|RunSnapshot|Run|Workflow|Schedule)\b")


def _named(node: ast.AST) -> set[str]:
    return {found.id for found in ast.walk(node) if isinstance(found, ast.Name)}


def _aliases(tree: ast.Module) -> set[str]:
    """Names that stand for a workspace's table in a module: aliases, and the tables of the core."""
    found = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.Assign) or not isinstance(
            node.value, (ast.Call, ast.Subscript, ast.Attribute)
        ):
            continue
        text = ast.unparse(node.value)
        of_core = re.search(r"\.tables\['(\w+)'\]$", text)
        if re.fullmatch(rf"aliased\(({'|'.join(OWNED)})\)", text) or (
            of_core and of_core[1] in OWNED_TABLES
        ):
            found |= _named(node.targets[0])
    return found


def _statement(node: ast.AST, tables: set[str]) -> str:
    """What a node reads or changes without `scoped`; empty when it is no such statement."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        found = _SQL.search(node.value)
        return (
            f"SQL on {found[1]}"
            if found and re.search(r"\b(SELECT|UPDATE|DELETE|INSERT)\b", node.value)
            else ""
        )
    if not isinstance(node, ast.Call):
        return ""
    name = ast.unparse(node.func).rpartition(".")[2]
    on_session = ast.unparse(node.func).endswith(("session.get", "session.get_one"))
    if not on_session and name not in (
        "select",
        "exists",
        "update",
        "delete",
        "select_from",
        "query",
    ):
        return ""
    hit = {found for argument in node.args for found in _named(argument)} & tables
    return f"{name} on {', '.join(sorted(hit))}" if hit else ""


def _places(path: Path) -> Iterator[tuple[str, ast.AST]]:
    """Every function, and every assignment of a module, with its name."""
    name = path.relative_to(SERVICES).as_posix()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield f"{name} {node.name}", node
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Assign):
            yield f"{name} {ast.unparse(node.targets[0])}", node


def unscoped(path: Path) -> dict[str, str]:
    """Statements on a workspace's tables that do not start from `scoped`, by place."""
    tables = OWNED | _aliases(ast.parse(path.read_text()))
    return {
        place: what
        for place, node in _places(path)
        for part in ast.walk(node)
        if (what := _statement(part, tables))
    }


def without_actor(path: Path) -> set[str]:
    """Functions that read by an id and take nobody who acts."""
    found = set()
    for place, node in _places(path):
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        given = [*node.args.args, *node.args.kwonlyargs]
        reads = any(argument.arg in _READERS for argument in given)
        by_id = any(_IDS.match(argument.arg) for argument in given)
        acts = any(
            argument.annotation and _ACTING.search(ast.unparse(argument.annotation))
            for argument in given
        )
        if reads and by_id and not acts:
            found.add(place)
    return found


MODULES = sorted(SERVICES.rglob("*.py"))


@pytest.mark.parametrize(
    "text",
    [
        "async def f(uow, run_id):\n    return await uow.session.scalar(select(func.max(RunEvent.seq)))",
        "async def f(uow, run_id):\n    return await uow.session.get(Run, run_id)",
        "async def f(uow, run_id):\n    return select(func.count()).select_from(Step)",
        "async def f(uow):\n    caller = aliased(Run)\n    return select(col(caller.id))",
        "_RUN = metadata.tables['run']\nQ = select(_RUN.c.id)",
        "Q = text('SELECT id FROM run WHERE id = :id')",
    ],
)
def test_the_rule_finds_what_it_is_for(tmp_path, monkeypatch, text):
    monkeypatch.setattr("tests.house.test_tenancy.SERVICES", tmp_path)
    (tmp_path / "probe.py").write_text(text)
    assert unscoped(tmp_path / "probe.py")
    if "run_id" in text:
        assert without_actor(tmp_path / "probe.py") == {"probe.py f"}


def test_every_statement_on_a_workspaces_rows_starts_from_scoped():
    found = {place: what for path in MODULES for place, what in unscoped(path).items()}
    whole = {place.removesuffix(" *") for place in REVIEWED if place.endswith(" *")}
    new = {p: what for p, what in found.items() if p not in REVIEWED and p.split()[0] not in whole}
    assert not new, "start from scoped(...), or add the place to REVIEWED with its reason"
    stale = {
        p
        for p in REVIEWED
        if p not in found and not any(f.split()[0] == p.removesuffix(" *") for f in found)
    }
    assert not stale


def test_whoever_reads_by_id_takes_the_actor():
    found = {place for path in MODULES for place in without_actor(path)}
    assert found - WITHOUT_ACTOR.keys() == set(), "take the actor, or add it to WITHOUT_ACTOR"
    assert WITHOUT_ACTOR.keys() - found == set()

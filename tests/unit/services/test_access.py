"""Who may do what: the expected rights as a table that is reviewed by hand."""

import ast
from pathlib import Path

import pytest

from app.kernel.errors import Denied
from app.services.access import (
    INSTALLATION,
    Permission,
    on_behalf_of,
    person,
    require,
    system,
    trigger,
)

APP = Path(__file__).resolve().parents[3] / "app"

EXPECTED = """
                  viewer member admin owner
workspace:read    yes    yes    yes   yes
project:edit      -      yes    yes   yes
workflow:read     yes    yes    yes   yes
workflow:edit     -      yes    yes   yes
run:read          yes    yes    yes   yes
run:start         -      yes    yes   yes
run:control       -      yes    yes   yes
approval:read     yes    yes    yes   yes
approval:answer   -      yes    yes   yes
trigger:read      yes    yes    yes   yes
trigger:edit      -      yes    yes   yes
model:read        yes    yes    yes   yes
model:manage      -      -      -     -
"""
HEAD, *ROWS = [line.split() for line in EXPECTED.strip().splitlines()]
CELLS = [
    (row[0], role, cell == "yes") for row in ROWS for role, cell in zip(HEAD, row[1:], strict=True)
]


def is_allowed(actor, permission):
    try:
        require(actor, permission)
    except Denied:
        return False
    return True


@pytest.mark.parametrize(("permission", "role", "expected"), CELLS)
def test_a_role_may_what_the_table_says(permission, role, expected):
    assert is_allowed(person("u", "w", role), Permission(permission)) is expected


def test_the_table_names_every_permission():
    assert [row[0] for row in ROWS] == [str(one) for one in Permission]


@pytest.mark.parametrize("role", ["", "OWNER", "admins", "superuser"])
def test_a_role_that_is_not_known_may_nothing(role):
    assert not any(is_allowed(person("u", "w", role), one) for one in Permission)


def test_what_concerns_all_workspaces_is_for_who_administers_the_installation_only():
    administrator = person("u", "w", "viewer", is_installation_admin=True)
    assert all(is_allowed(administrator, one) for one in INSTALLATION)
    for actor in (person("u", "w", "owner"), system("w"), trigger("w")):
        assert not any(is_allowed(actor, one) for one in INSTALLATION)


def test_a_run_that_a_run_starts_has_a_members_rights():
    for user_id in ("usr_1", "system", None):
        actor = on_behalf_of(user_id, "w")
        assert is_allowed(actor, Permission.RUN_START)
        assert actor.role == "member"
    assert [on_behalf_of("usr_1", "w").kind, on_behalf_of(None, "w").kind] == ["person", "system"]


def test_the_refusal_says_which_role_is_needed():
    with pytest.raises(Denied, match="the role member in the workspace; you are viewer"):
        require(person("u", "w", "viewer"), Permission.RUN_START)


def test_actors_are_made_in_one_place():
    """`offload` takes one over from a process of ours as it was made there."""
    makers = {
        path.relative_to(APP).as_posix()
        for path in APP.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "Actor"
    }
    assert makers == {"services/access.py", "services/runs/starting/offload.py"}

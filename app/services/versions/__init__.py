"""Versions of workflows: immutable snapshots that runs execute."""

from app.services.versions.commands import locked_workflow, locked_workspace, version_of
from app.services.versions.queries import hashed, main_draft, plan_of, plan_to_execute

__all__ = [
    "hashed",
    "locked_workflow",
    "locked_workspace",
    "main_draft",
    "plan_of",
    "plan_to_execute",
    "version_of",
]

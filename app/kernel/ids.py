"""Typed, prefixed, time-sortable ids: `run_01J…`."""

import hashlib
from typing import NewType

from ulid import ULID

UserId = NewType("UserId", str)
SessionId = NewType("SessionId", str)
WorkspaceId = NewType("WorkspaceId", str)
ProjectId = NewType("ProjectId", str)
WorkflowId = NewType("WorkflowId", str)
VersionId = NewType("VersionId", str)
RunId = NewType("RunId", str)
StepId = NewType("StepId", str)
ApprovalId = NewType("ApprovalId", str)

PREFIXES = {
    "user": "usr",
    "session": "ses",
    "workspace": "wsp",
    "member": "mem",
    "project": "prj",
    "workflow": "wfl",
    "draft": "drf",
    "version": "ver",
    "run": "run",
    "step": "stp",
    "span": "spn",
    "approval": "apr",
    "wait": "wai",
    "blob": "blb",
    "llm_call": "llm",
    "audit": "aud",
    "schedule": "sch",
    "request": "req",
    "job": "job",
}


def new_id(noun: str) -> str:
    """Return a fresh id of a noun in PREFIXES; ids of one process sort by time."""
    return f"{PREFIXES[noun]}_{ULID()}"


def derived_id(noun: str, *parts: str) -> str:
    """Return the id that always belongs to these parts, so that a repetition finds the same row."""
    digest = hashlib.sha256("\0".join(parts).encode()).digest()
    return f"{PREFIXES[noun]}_{ULID.from_bytes(digest[:16])}"

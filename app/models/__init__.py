"""Tables: columns, constraints and indexes, one file per noun. No queries."""

from sqlmodel import SQLModel

from app.models.audit import AuditEntry
from app.models.identity import Session, User
from app.models.memory import MemoryValue
from app.models.price import ModelPrice
from app.models.project import Project
from app.models.run import Approval, Blob, LlmCall, Run, RunEvent, Span, Step, StepCache, Wait
from app.models.schedule import Schedule, ScheduleFire
from app.models.template import Template
from app.models.workflow import Workflow, WorkflowVersion
from app.models.workspace import Member, Workspace

metadata = SQLModel.metadata

__all__ = [
    "Approval",
    "AuditEntry",
    "Blob",
    "LlmCall",
    "Member",
    "MemoryValue",
    "ModelPrice",
    "Project",
    "Run",
    "RunEvent",
    "Schedule",
    "ScheduleFire",
    "Session",
    "Span",
    "Step",
    "StepCache",
    "Template",
    "User",
    "Wait",
    "Workflow",
    "WorkflowVersion",
    "Workspace",
    "metadata",
]

"""Tables: columns, constraints and indexes, one file per noun. No queries."""

from sqlmodel import SQLModel

from app.models.approval import Approval
from app.models.audit import AuditEntry
from app.models.blob import Blob
from app.models.draft import MAIN, Draft
from app.models.event import RunEvent
from app.models.identity import Session, User
from app.models.llm_call import LlmCall
from app.models.memory import MemoryValue
from app.models.price import ModelPrice
from app.models.project import Project
from app.models.run import Run
from app.models.schedule import Schedule, ScheduleFire
from app.models.span import Span
from app.models.step import Step, StepCache
from app.models.template import Template
from app.models.version import WorkflowVersion
from app.models.wait import Wait
from app.models.workflow import Workflow
from app.models.workspace import Member, Workspace

metadata = SQLModel.metadata

__all__ = [
    "MAIN",
    "Approval",
    "AuditEntry",
    "Blob",
    "Draft",
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

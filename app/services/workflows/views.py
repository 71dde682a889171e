"""What callers see of workflows."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict

from app.engine.events import RunStatus
from app.engine.graph.document import GraphJson
from app.engine.graph.edits import EditJson
from app.engine.graph.problem import Problem
from app.engine.sdk.node import Port
from app.kernel.schemas import SchemaOf

WorkflowStatus = Annotated[str, SchemaOf(Literal["draft"])]


class _View(BaseModel):
    model_config = ConfigDict(frozen=True, json_schema_serialization_defaults_required=True)


class WorkflowSummary(_View):
    """A line of the list of workflows."""

    id: str
    name: str
    project_id: str
    project_name: str
    status: WorkflowStatus
    revision: int
    node_count: int
    kinds: tuple[str, ...]
    template_id: str | None
    updated_at: datetime
    last_run_status: Annotated[str, SchemaOf(RunStatus)] | None = None
    last_run_at: datetime | None = None


class WorkflowView(_View):
    """A workflow with its draft graph."""

    id: str
    name: str
    project_id: str
    project_name: str
    status: WorkflowStatus
    revision: int
    graph: GraphJson
    template_id: str | None
    example_input: Any
    created_at: datetime
    updated_at: datetime


class CompileView(_View):
    """The result of a check; `ok` when no problem is an error.

    Args:
        ports: Output ports by node id, for nodes whose ports depend on their form.
        input_schema: JSON Schema of what the trigger accepts; None without a trigger.
    """

    ok: bool
    problems: tuple[Problem, ...]
    ports: dict[str, tuple[Port, ...]] = {}
    input_schema: dict[str, Any] | None = None


class EditOvertaken(_View):
    """An edit whose `was` is no longer there: its place in the batch, and what is there now."""

    index: int
    value: Any


class EditResult(_View):
    """The draft after edits: its revision, what is wrong now, and the ops for other editors.

    Args:
        ports: Output ports by node id, for nodes whose ports depend on their form.
        overtaken: Edits of something that somebody else has changed since. If there are any, no edit of the batch was
            applied: the person decides, and the editor sends the rest as a new batch.
        behind: The edits were made on an older revision; the editor must load the draft again.
    """

    revision: int
    problems: tuple[Problem, ...]
    ops: tuple[EditJson, ...] = ()
    ports: dict[str, tuple[Port, ...]] = {}
    overtaken: tuple[EditOvertaken, ...] = ()
    behind: bool = False

"""The limits of a run and its place in the queue: from the request, else from the workflow's settings."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, Field, field_validator
from sqlmodel import col

from app.adapters.sql.database import UnitOfWork
from app.engine.expressions import check, evaluate
from app.kernel.errors import ExpressionError, InvalidInput, NotFound
from app.models import Workflow
from app.services import audit
from app.services.access import Actor, Permission, require, scoped
from app.services.versions import locked_workflow

NORMAL = 1
_KEY_LENGTH = 200


class RunLimits(BaseModel):
    """Limits of one run; null: the default. Each is checked before a step and a model call."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    timeout_s: float | None = Field(
        None, gt=0, le=604_800, description="Seconds of work; waiting does not count. Default 300."
    )
    max_steps: int | None = Field(None, ge=1, le=1_000_000, description="Default 10,000.")
    max_tokens: int | None = Field(None, ge=1, le=1_000_000_000, description="Default: no bound.")
    max_cost_usd: float | None = Field(None, gt=0, le=100_000, description="Default: no bound.")


_LIMITS = tuple(RunLimits.model_fields)


class RunSettings(RunLimits):
    """What applies to all runs of a workflow that do not override it.

    `concurrency` limits how many of them run at once; with `concurrency_key`, an expression over `trigger`, how many
    of those with the same key value.
    """

    priority: int | None = Field(None, ge=0, le=2, description="0 high, 1 normal, 2 low.")
    concurrency: int | None = Field(None, ge=1, le=10_000, description="How many run at once.")
    concurrency_key: str | None = Field(
        None,
        min_length=1,
        max_length=1_000,
        description="An expression: the bound holds for runs for which it gives the same value.",
        examples=["trigger.customer"],
    )

    @field_validator("concurrency_key")
    @classmethod
    def _is_expression(cls, text: str | None) -> str | None:
        if text is not None:
            try:
                check(text, "expression")
            except ExpressionError as error:
                raise ValueError(error.message) from error
        return text


@dataclass(frozen=True)
class Placement:
    """The columns of a run that limit it and determine its place in the queue."""

    priority: int = NORMAL
    concurrency_key: str | None = None
    limits: dict[str, Any] | None = None


@dataclass(frozen=True)
class PlacementRequest:
    """What a run's placement is computed from: the request where it says something, else the workflow's settings.

    Args:
        settings: The workflow's.
        limits, priority, concurrency_key: The request's; None: the workflow's setting.
        no_later_than: The lowest priority that the run may get: that of the run that calls it.
    """

    settings: Mapping[str, Any] | None = None
    limits: RunLimits | None = None
    priority: int | None = None
    concurrency_key: str | None = None
    no_later_than: int | None = None

    def placement(self, given: Any) -> Placement:  # noqa: ANN401 - JSON
        """The placement of a run with this input.

        Raises:
            InvalidInput: The expression of the workflow's key fails with this input.
        """
        own = self.settings or {}
        given_limits = self.limits.model_dump(exclude_none=True) if self.limits else {}
        limits = {
            name: value
            for name in _LIMITS
            if (value := given_limits.get(name, own.get(name))) is not None
        }
        if (cost := limits.pop("max_cost_usd", None)) is not None:
            limits["max_cost_microusd"] = round(cost * 1_000_000)
        asked = (one for one in (self.priority, own.get("priority")) if one is not None)
        priority = next(asked, NORMAL)
        if self.no_later_than is not None:
            priority = min(priority, self.no_later_than)
        key = self.concurrency_key
        if key is None and own.get("concurrency_key"):
            key = _key(own["concurrency_key"], given)
        return Placement(priority, key, limits or None)


async def get_settings(uow: UnitOfWork, actor: Actor, workflow_id: str) -> RunSettings:
    """Return the settings that apply to runs of a workflow.

    Raises:
        NotFound: No such workflow.
    """
    require(actor, Permission.WORKFLOW_READ)
    query = scoped(Workflow, actor).where(
        col(Workflow.id) == workflow_id, col(Workflow.deleted_at).is_(None)
    )
    workflow = (await uow.session.execute(query)).scalar_one_or_none()
    if workflow is None:
        raise NotFound("There is no such workflow.")
    return RunSettings.model_validate(workflow.run_settings or {})


async def put_settings(
    uow: UnitOfWork, actor: Actor, workflow_id: str, wanted: RunSettings
) -> RunSettings:
    """Replace the settings for runs of a workflow that start from now on.

    Raises:
        NotFound: No such workflow.
    """
    require(actor, Permission.WORKFLOW_EDIT)
    workflow = await locked_workflow(uow, actor, workflow_id)
    workflow.run_settings = wanted.model_dump(exclude_none=True) or None
    audit.record(uow, actor, "workflow.run_settings", workflow.id)
    return wanted


def _key(text: str, given: Any) -> str | None:  # noqa: ANN401 - JSON
    try:
        value = evaluate(text, {"trigger": given})
    except ExpressionError as error:
        raise InvalidInput(
            f"The workflow's `concurrency_key` does not fit this input: {error.message}",
            field="concurrency_key",
        ) from error
    if value is None:
        return None
    key = value if isinstance(value, str) else orjson.dumps(value).decode()
    return key[:_KEY_LENGTH] or None

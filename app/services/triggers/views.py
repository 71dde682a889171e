"""What callers see of triggers."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict

from app.engine.events import RunStatus
from app.engine.triggers.schedule import Missed
from app.kernel.schemas import SchemaOf

FireStatus = Literal["fired", "skipped", "failed"]


class _View(BaseModel):
    model_config = ConfigDict(frozen=True)


class FireView(_View):
    """One due time of a schedule. `status` is fired, skipped or failed; `message` says why.

    `fire_at` is the time it was meant for, `at` when that was decided.
    """

    fire_at: datetime
    at: datetime
    status: Annotated[str, SchemaOf(FireStatus)]
    message: str | None
    run_id: str | None
    run_number: int | None
    run_status: Annotated[str, SchemaOf(RunStatus)] | None


class ScheduleSummary(_View):
    """A line of the list of schedules. `words` is the cron rule in plain language.

    `next_at` is None while it is off. `workflow_deleted`: nothing can start until it is back. Not `zone_known`:
    nothing can start until the system knows the time zone again, or another one is chosen.
    """

    id: str
    name: str
    workflow_id: str
    workflow_name: str
    workflow_deleted: bool
    cron: str
    timezone: str
    zone_known: bool
    words: str
    enabled: bool
    missed: Annotated[str, SchemaOf(Missed)]
    next_at: datetime | None
    last_fire: FireView | None
    created_at: datetime
    updated_at: datetime


class ScheduleView(ScheduleSummary):
    """A schedule with its input, its next five times, and what would keep it from starting runs."""

    input: Any
    next_fires: tuple[datetime, ...]
    warnings: tuple[str, ...]


class LocalTime(_View):
    """A moment, and the local time in the zone."""

    at: datetime
    local: datetime


class RulePreview(_View):
    """What a rule means: in words, its next times, and what it does not mean though it may look so."""

    cron: str
    timezone: str
    words: str
    next_fires: tuple[LocalTime, ...]
    warnings: tuple[str, ...] = ()

"""Reading runs: lists, steps, traces, events, and following one live."""

from app.services.runs.reading.counts import activity
from app.services.runs.reading.following import follow, wait_for_run
from app.services.runs.reading.home import overview
from app.services.runs.reading.mappers import (
    event_row,
    run_event,
    run_view,
    step_event,
    step_record,
    view_of_row,
)
from app.services.runs.reading.queries import (
    WHOLE_BYTES,
    get_run,
    get_step,
    get_trace,
    last_seq,
    list_approvals,
    list_events,
    list_runs,
    list_some_steps,
    matching,
    see_run,
)
from app.services.runs.reading.step_pages import Filter
from app.services.runs.reading.values import read_value
from app.services.runs.reading.views import (
    ApprovalView,
    OverviewView,
    RunStatusName,
    RunView,
    StepView,
    TraceView,
    WaitView,
)
from app.services.runs.reading.watch import changes

__all__ = [
    "WHOLE_BYTES",
    "ApprovalView",
    "Filter",
    "OverviewView",
    "RunStatusName",
    "RunView",
    "StepView",
    "TraceView",
    "WaitView",
    "activity",
    "changes",
    "event_row",
    "follow",
    "get_run",
    "get_step",
    "get_trace",
    "last_seq",
    "list_approvals",
    "list_events",
    "list_runs",
    "list_some_steps",
    "matching",
    "overview",
    "read_value",
    "run_event",
    "run_view",
    "see_run",
    "step_event",
    "step_record",
    "view_of_row",
    "wait_for_run",
]

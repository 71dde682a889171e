"""Whether a step that waited in an earlier life of its run may go on now. Pure."""

from app.engine.events import WAITING_STEP
from app.engine.host import StepRecord
from app.engine.runtime.execution import Execution
from app.engine.runtime.plan import PlanNode


def asks_about_itself(record: StepRecord) -> bool:
    """Whether a step waits for a decision about its failure, or about what became of it."""
    return record.status == "interrupted" or (
        record.status == "waiting_human" and record.error is not None
    )


def still_waits(execution: Execution, node: PlanNode, record: StepRecord) -> bool:
    """Say whether what a step waits for has not come yet.

    A container is walked through again, since what came may be for a step in its body; unless it
    failed itself and asks about that.
    """
    if record.status not in WAITING_STEP:
        return False
    request = execution.request
    if asks_about_itself(record):
        return record.path not in request.recoveries
    if node.type.container:
        return False
    came = request.answers if record.status == "waiting_human" else request.arrived
    return record.path not in came

"""Why a step stops without having ended: it waits for somebody or something, or its body failed."""

from app.engine.host import StepRecord, WaitRecord
from app.engine.sdk import Question
from app.kernel.errors import BudgetExceeded, Paused, StepError


class Asked(Paused):
    """A step needs a person's answer; `approval_id` is where it will arrive."""

    def __init__(self, approval_id: str, question: Question, path: str) -> None:
        super().__init__(question.title)
        self.approval_id = approval_id
        self.question = question
        self.path = path


class Waits(Paused):
    """A step first needs a time, a signal or the end of another run to come."""

    def __init__(self, record: WaitRecord) -> None:
        super().__init__(f"waits for a {record.kind}")
        self.record = record


class PauseRequested(Paused):
    """A step does not continue because the run is to pause."""


class BodyFailed(StepError):
    """A step in a container's body failed and nobody handled it; the code is that step's.

    `context["recalled"]`: it had failed before this try of the container, which executed nothing.
    """

    def __init__(self, record: StepRecord, *, recalled: bool) -> None:
        error = record.error or {}
        partial = {"partial": error["partial"]} if "partial" in error else {}
        super().__init__(
            f"{record.label}: {error.get('message', 'failed')}",
            path=record.path,
            recalled=recalled,
            **partial,
        )
        self.code = error.get("code", StepError.code)  # type: ignore[misc]


def failure_in_body(record: StepRecord, *, recalled: bool = False) -> StepError:
    """The error that a container gets for a failed step in its body. A spent budget stays one: no container may skip
    it.
    """
    failed = BodyFailed(record, recalled=recalled)
    return BudgetExceeded(failed.message) if failed.code == BudgetExceeded.code else failed

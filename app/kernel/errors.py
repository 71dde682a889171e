"""The one error tree. Every failure that can reach a person has a class, a code and a status here."""

from typing import Any, ClassVar


class AppError(Exception):
    """An expected failure with a sentence for people.

    Args:
        message: What happened and what to do. Quoted values, never a secret.
        context: Facts for logs and for the API's problem document (JSON values only).
    """

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 500

    def __init__(self, message: str, **context: Any) -> None:
        super().__init__(message)
        self.message = message
        self.context = context


class InvalidInput(AppError):
    """The request, graph or value is wrong in a way its sender can fix."""

    code = "invalid_input"
    status = 422


class GraphInvalid(InvalidInput):
    """A graph has problems that block running. `context["problems"]` lists them."""

    code = "graph_invalid"


class EditRefused(InvalidInput):
    """An edit would make the graph impossible."""

    code = "edit_refused"


class ExpressionError(InvalidInput):
    """An expression cannot be parsed or evaluated. `context["path"]` names the value it choked on."""

    code = "expression_error"


class ConfigInvalid(InvalidInput):
    """A node's configuration does not fit its form. `context["field"]` names the field."""

    code = "config_invalid"


class Unauthenticated(AppError):
    """Nobody is signed in, or the session has ended."""

    code = "unauthenticated"
    status = 401


class Denied(AppError):
    """A member without the right to do this."""

    code = "denied"
    status = 403


class NotFound(AppError):
    """There is no such thing, or it belongs to another workspace (both answer alike)."""

    code = "not_found"
    status = 404


class Conflict(AppError):
    """Somebody else was faster."""

    code = "conflict"
    status = 409


class RevisionConflict(Conflict):
    """The draft moved on since it was read. `context["revision"]` is the current one."""

    code = "revision_conflict"


class PreconditionFailed(RevisionConflict):
    """The draft is not the one that `If-Match` names."""

    code = "precondition_failed"
    status = 412


class AlreadyDecided(Conflict):
    """The approval request has been answered before."""

    code = "already_decided"


class NeedsMigration(Conflict):
    """A graph has nodes of a version whose implementation is not here any more. `context["nodes"]` lists their ids."""

    code = "needs_migration"


class TooLarge(AppError):
    """A body, file or graph over its limit."""

    code = "too_large"
    status = 413


class UnsupportedMedia(AppError):
    """A body that is not declared as JSON."""

    code = "unsupported_media_type"
    status = 415


class TooMuch(AppError):
    """A quota or a rate was exceeded."""

    code = "too_much"
    status = 429


class RateLimited(TooMuch):
    """Too many attempts. `context["retry_after_s"]` says when to come back."""

    code = "rate_limited"


class Unavailable(AppError):
    """Something this request needs is not there right now."""

    code = "unavailable"
    status = 503


class QueueDown(Unavailable):
    """Redis does not answer."""

    code = "queue_down"


class StorageDown(Unavailable):
    """The database does not answer."""

    code = "storage_down"


class StepError(AppError):
    """What a node raises besides InvalidInput. `retryable` says whether a retry can help."""

    code = "step_failed"
    status = 502
    retryable: ClassVar[bool] = False


class UpstreamFailed(StepError):
    """A provider or web service answered badly or not at all."""

    code = "upstream_failed"
    retryable = True


class UpstreamRefused(StepError):
    """4xx, bad credential, content refused: asking again will not help."""

    code = "upstream_refused"


class ModelMissing(StepError):
    """No model can serve this call. The message names the ways out."""

    code = "model_missing"
    status = 503


class ChildFailed(StepError):
    """A workflow that a step called failed or was canceled. `context["run_id"]` is that run."""

    code = "child_failed"
    retryable = True


class StepTimedOut(StepError):
    """An attempt ran into its time limit."""

    code = "step_timed_out"
    retryable = True


class BudgetExceeded(StepError):
    """A limit of the run on time, steps, tokens or cost was reached."""

    code = "budget_exceeded"


class TooManyIterations(StepError):
    """A loop reached its limit of iterations. `context["partial"]` is what it had until then."""

    code = "max_iterations"


class RunStopped(StepError):
    """The workflow itself ended the run as failed."""

    code = "stopped"


class OutputInvalid(StepError):
    """A node or model produced something that does not fit its declared shape."""

    code = "output_invalid"


class AnswerCut(OutputInvalid):
    """A model's answer was cut off at its longest length. The message names the field to raise."""

    code = "answer_cut"


class ModelUnpriced(StepError):
    """A model without a known price was to be called in a run with a limit on money."""

    code = "model_unpriced"


class OutputTooLarge(OutputInvalid):
    """A step gave more bytes than an output may have."""

    code = "output_too_large"


class CodeFailed(StepError):
    """Code written by a person raised an error or hit a limit of its sandbox."""

    code = "code_failed"


class Defect(AppError):
    """A broken promise of ours; never the person's fault."""

    code = "defect"


class RunSignal(BaseException):
    """Not an error: the run stops here for a reason. User code cannot swallow it."""


class Paused(RunSignal):
    """A step waits for a person or a time."""


class Stopped(RunSignal):
    """A node of the workflow ended the run: all that still goes on is in vain."""


class Cancelled(RunSignal):
    """Somebody cancelled the run."""


class Drained(RunSignal):
    """The worker shuts down; another one goes on."""


class Fenced(RunSignal):
    """Another worker took this run over. Stop and touch nothing."""


def ensure(condition: object, message: str, **context: Any) -> None:
    """Assert what must be true of our own code.

    Raises:
        Defect: The condition is false.
    """
    if not condition:
        raise Defect(message, **context)

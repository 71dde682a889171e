"""Questions of waiting runs, and their answers."""

from dataclasses import dataclass
from typing import Any

import orjson
import reflex as rx

from app.components.recovery import RECOVERY
from app.kernel import jsons
from app.kernel.errors import AlreadyDecided, AppError, InvalidInput
from app.services.app_context import current_app
from app.services.runs.lifecycle import answer_step
from app.services.runs.reading import ApprovalView, changes, list_approvals
from app.services.workflows.queries import blank_output
from app.state.formatting import iso
from app.state.identity import actor
from app.state.socket.lanes import reading
from app.state.socket.said import Saying

_DONE = "done"
"""To give the result of a step needs a form; what else may be decided about one that failed is a press of a button."""

_RECOVERY_WAYS = " ".join(way.sentence for way in RECOVERY.values())


@dataclass(frozen=True)
class Choice:
    """A button: what is answered, and what is written on it."""

    value: str
    word: str


@dataclass(frozen=True)
class Question:
    """A question as its card shows it.

    `value` is what the person is asked about, as text: as it is when `plain`, else as JSON. `recovery`: the question is
    about a step that failed or was cut off, and the value is its input; `givable` when a person may give its result.
    """

    step_id: str
    run_id: str
    run: str
    workflow: str
    workflow_id: str
    title: str
    body: str
    choices: list[Choice]
    has_value: bool
    value: str
    plain: bool
    editable: bool
    asked_at: str
    node_id: str = ""
    recovery: bool = False
    givable: bool = False


def question_of(view: ApprovalView) -> Question:
    """Turn a question into its card."""
    plain = isinstance(view.value, str)
    shown = view.value if plain else orjson.dumps(view.value, option=orjson.OPT_INDENT_2).decode()
    return Question(
        step_id=view.step_id,
        run_id=view.run_id,
        run=f"#{view.run_number}",
        workflow=view.workflow_name,
        workflow_id=view.workflow_id,
        title=view.title or "A decision is needed",
        body=f"{view.body}\n\n{_RECOVERY_WAYS}".strip() if view.recovery else view.body,
        choices=_choices(view),
        has_value=view.value is not None,
        value=shown,
        plain=plain,
        editable=view.editable,
        asked_at=iso(view.created_at),
        node_id=view.node_id,
        recovery=view.recovery,
        givable=view.recovery and _DONE in view.choices,
    )


def _choices(view: ApprovalView) -> list[Choice]:
    if view.recovery:
        offered = (name for name in RECOVERY if name != _DONE and name in view.choices)
        return [Choice(name, RECOVERY[name].word) for name in offered]
    return [Choice(one, one.replace("_", " ").capitalize()) for one in view.choices]


def takes_value(question: Question, choice: str) -> bool:
    """Whether an edited value goes with the choice: an edited input only with another try."""
    return question.editable and (choice == "retry" or not question.recovery)


def edited_value(question: Question, text: str) -> Any:  # noqa: ANN401 - a JSON value
    """Return the value as edited.

    Raises:
        InvalidInput: The question's value is JSON and the text is not.
    """
    return text if question.plain else _parsed(text, "The edited value")


def _parsed(text: str, what: str) -> Any:  # noqa: ANN401 - a JSON value
    try:
        return jsons.read(text)
    except jsons.NotJson as error:
        raise InvalidInput(f"{what} is not valid JSON: {error}.", field="value") from error


class ApprovalsState(rx.State):
    """The inbox of open questions."""

    search: str = ""
    questions: list[Question] = []
    ready: bool = False
    error: str = ""
    answering: str = ""
    giving: str = ""
    result: str = ""
    _all: list[Question] = []
    _comments: dict[str, str] = {}
    _values: dict[str, str] = {}

    @rx.event
    @reading
    async def load(self) -> None:
        """Read the open questions."""
        acting = await actor(self)
        try:
            async with current_app().database.read() as uow:
                found = await list_approvals(uow, acting)
        except AppError as error:
            self.error = error.message
            return
        self._all = [question_of(view) for view in found]
        self._filter()
        self.error, self.ready = "", True

    @rx.event(background=True)
    async def watch(self) -> Saying:
        """Read again whenever a run of the workspace changes, as long as the page is open."""
        async for _ in changes(current_app(), await actor(self)):
            yield ApprovalsState.load

    @rx.event
    async def look_for(self, text: str) -> None:
        """Show the questions that contain the text."""
        self.search = text
        self._filter()

    @rx.event
    async def comment(self, step_id: str, text: str) -> None:
        """Remember the remark that goes with the answer."""
        if self._question(step_id):
            self._comments = {**self._comments, step_id: text}

    @rx.event
    async def edit(self, step_id: str, text: str) -> None:
        """Remember the value as changed by the person."""
        if self._question(step_id):
            self._values = {**self._values, step_id: text}

    @rx.event
    async def give(self, step_id: str) -> None:
        """Open the form for the result of a step, with its ports to fill in; or close it."""
        acting = await actor(self)
        question = self._question(step_id)
        if question is None or self.giving == step_id:
            self.giving = ""
            return
        async with current_app().database.read() as uow:
            blank = await blank_output(uow, acting, question.workflow_id, question.node_id)
        self.result = orjson.dumps(blank, option=orjson.OPT_INDENT_2).decode()
        self.giving = step_id

    @rx.event
    async def enter(self, text: str) -> None:
        """Remember the result as entered by the person."""
        self.result = text

    @rx.event
    async def answer(self, step_id: str, choice: str) -> Saying:
        """Decide; the run goes on."""
        acting = await actor(self)
        output = self._output(step_id, choice)
        self.answering = step_id
        yield
        try:
            async with current_app().database.work() as uow:
                run = await answer_step(uow, acting, step_id, output)
            yield rx.toast.success(f"Answered “{choice}”. Run #{run.number} goes on.")
        except AlreadyDecided as error:
            yield rx.toast.info(error.message)
        finally:
            self.answering = ""
        yield ApprovalsState.load

    def _question(self, step_id: str) -> Question | None:
        return next((one for one in self._all if one.step_id == step_id), None)

    def _output(self, step_id: str, choice: str) -> dict[str, Any]:
        """What the answer says, with the value that goes with the choice."""
        output: dict[str, Any] = {"choice": choice, "comment": self._comments.get(step_id, "")}
        question = self._question(step_id)
        if choice == _DONE and step_id == self.giving:
            output["value"] = _parsed(self.result, "The result")
        elif question and step_id in self._values and takes_value(question, choice):
            output["value"] = edited_value(question, self._values[step_id])
        return output

    def _filter(self) -> None:
        words = self.search.casefold().split()
        self.questions = [
            one
            for one in self._all
            if all(
                word in f"{one.title} {one.body} {one.workflow} {one.run}".casefold()
                for word in words
            )
        ]

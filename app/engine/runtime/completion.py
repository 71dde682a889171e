"""Calls of chat models: streamed, retried, bounded, priced and recorded; a wrong shape is repaired once."""

import asyncio
import math
import time
from dataclasses import dataclass, replace

from app.engine.host import LlmCallRecord, Pool
from app.engine.payloads import dollars, price
from app.engine.providers.base import ChatModel, ChatRequest
from app.engine.runtime.answers import parse_answer
from app.engine.runtime.budget import Size
from app.engine.runtime.estimates import tokens_of_request
from app.engine.runtime.execution import Step
from app.engine.runtime.listening import Emit, Heard
from app.engine.runtime.plan import PlanNode
from app.engine.runtime.queueing import place
from app.engine.runtime.retry import CALL_TRIES, LONGEST_ASKED_S, call_pause_s, was_busy
from app.engine.runtime.spans import OpenSpan, current_span, open_span
from app.engine.sdk import Completion, Message
from app.kernel.errors import (
    AnswerCut,
    InvalidInput,
    ModelUnpriced,
    OutputInvalid,
    UpstreamFailed,
)

_REPAIR = "That cannot be used: {fault} Reply with the corrected JSON only, without any other text."
_SMALL = 2_048
"""Any model can write this many tokens: a run that may use fewer tells its server. A larger number might be refused."""


@dataclass(frozen=True)
class Call:
    """A model call that a node requests.

    Args:
        node: Whose form has the field that bounds the answer.
        ref: `provider/name`, or empty for the default model.
        emit: Receives the text as it comes.
        until: When the node's time is up, by the monotonic clock.
    """

    step: Step
    node: PlanNode
    ref: str
    request: ChatRequest
    name: str
    emit: Emit | None
    until: float


async def complete(call: Call) -> Completion:
    """Call a model; with a schema, check the answer and let the model repair it once.

    Raises:
        InvalidInput: There is nothing to send.
        AnswerCut: The answer was cut off at its maximum length and is of no use.
        OutputInvalid: It does not fit the schema, also when repaired; or a tool was called that was not offered.
    """
    call = replace(call, request=_without_empty(call.request))
    completion = await _answer(call)
    schema = call.request.schema
    if schema is None or completion.tool_calls:
        return completion
    try:
        return completion.model_copy(update={"data": parse_answer(completion.text, schema)})
    except OutputInvalid as fault:
        instruction = Message(role="user", text=_REPAIR.format(fault=fault.message))
        said = Message(role="assistant", text=completion.text)
        again = replace(call.request, messages=(*call.request.messages, said, instruction))
    repair = replace(call, request=_without_empty(again), name=f"{call.name} (repair)", emit=None)
    repaired = await _answer(repair)
    return repaired.model_copy(
        update={
            "data": parse_answer(repaired.text, schema),
            "usage": completion.usage + repaired.usage,
        }
    )


def _without_empty(request: ChatRequest) -> ChatRequest:
    """Leave out empty messages; servers refuse them.

    Raises:
        InvalidInput: What the model should answer is empty.
    """
    if any(one.role == "user" and not one.text.strip() for one in request.messages):
        raise InvalidInput("The message to the model is empty: there is nothing to answer.")
    said = tuple(
        one
        for one in request.messages
        if one.role in ("user", "tool") or one.text.strip() or one.tool_calls
    )
    return replace(request, messages=said)


async def _answer(call: Call) -> Completion:
    """Make the call, a few times while the provider is busy, and check how the answer ended."""
    tried = 0
    while True:
        tried += 1
        name = call.name if tried == 1 else f"{call.name} (try {tried})"
        try:
            heard, completion = await _admitted(replace(call, name=name))
            return _judged(call, heard, completion)
        except UpstreamFailed as error:
            await _before_next_try(call, error, tried)


async def _before_next_try(call: Call, error: UpstreamFailed, tried: int) -> None:
    """Log that the call is retried, and wait until it may be.

    Raises:
        UpstreamFailed: It is not made again; where it could have helped, it says why.
    """
    if not was_busy(error):
        raise error
    if tried >= CALL_TRIES:
        raise _so(error, f"{tried} tries were made.") from error
    pause = call_pause_s(error, tried)
    if pause > LONGEST_ASKED_S:
        advice = (
            f"It asks to wait {pause:.0f} seconds. Retries in the node's settings can wait so long."
        )
        raise _so(error, advice) from error
    left = min(call.until - time.monotonic(), call.step.execution.budget.remaining_s)
    if pause >= left:
        raise _so(
            error, f"The next try, in {pause:.1f} seconds, is beyond the time limit."
        ) from error
    if call.step.record.path in call.step.execution.recorder.ending:
        raise error
    line = {
        "message": f"{error.message} The call is made again in {pause:.1f} seconds.",
        "fields": {"try": tried + 1, "of": CALL_TRIES, "status": error.context.get("status_code")},
    }
    call.step.execution.recorder.note_event("step.log", line, call.step.record, current_span())
    await asyncio.sleep(pause)


def _so(error: UpstreamFailed, why: str) -> UpstreamFailed:
    return UpstreamFailed(f"{error.message.rstrip('. ')}. {why}", **error.context)


def _judged(call: Call, heard: Heard, completion: Completion) -> Completion:
    """Check how an answer ended before it is used.

    Raises:
        AnswerCut: It was cut off, and what there is of it is of no use.
        OutputInvalid: A tool was called that was not offered.
    """
    if completion.finish_reason == "length":
        if completion.tool_calls or call.request.schema or not completion.text.strip():
            raise AnswerCut(_cut(call, heard, completion), field="max_tokens")
        call.step.warn("answer_cut", _cut(call, heard, completion))
    if completion.tool_calls and not call.request.tools:
        if not completion.text.strip():
            raise OutputInvalid(
                f"Instead of answering the model called the tool '{completion.tool_calls[0].name}', "
                "which it was not offered."
            )
        completion = completion.model_copy(update={"tool_calls": ()})
    if not completion.text.strip() and not completion.tool_calls and not call.request.schema:
        only = " It only gave its reasoning." if heard.thought.strip() else ""
        call.step.warn("answer_empty", f"The model's answer is empty.{only}")
    return completion


def _cut(call: Call, heard: Heard, completion: Completion) -> str:
    """Explain where an answer was cut off, and which field to raise."""
    limit = call.request.max_tokens
    tokens = f"{limit or completion.usage.output_tokens:,} tokens"
    if completion.tool_calls:
        problem = f"The model's answer was cut off at {tokens}, in the middle of a tool call."
    elif not completion.text.strip() and heard.thought.strip():
        problem = f"The model used up its {tokens} for reasoning and came to no answer."
    elif not completion.text.strip():
        problem = f"The model's answer was cut off at {tokens}, before it said anything."
    else:
        problem = f"The model's answer was cut off at {tokens}."
    form = call.node.type.config_schema().get("properties", {})
    title = form.get("max_tokens", {}).get("title")
    if title and limit:
        return f"{problem} Raise '{title}' in the form of '{call.node.label}'."
    if title:
        return f"{problem} Give a larger '{title}' in the form of '{call.node.label}'."
    return f"{problem} That is the model's own limit: ask for less, or choose another model."


async def _admitted(call: Call) -> tuple[Heard, Completion]:
    """Make the call once, within what the run may still use."""
    budget = call.step.execution.budget
    budget.check()
    chat = await call.step.execution.host.models.find(call.ref)
    if not budget.bounds_calls:
        heard = Heard(call.request, call.emit, math.inf, budget.cut_off)
        return heard, await _recorded(call, chat, call.request, heard)
    _price_known(call, chat)
    async with budget.call(_bound(call, chat)) as left:
        asked = tokens_of_request(call.request)
        if (
            left.tokens <= asked // 2
            or left.cost_microusd <= (_cost(call, chat, asked, 0) or 0) // 2
        ):
            raise budget.too_little(asked)
        ceiling = _longest_answer(call, chat, left, asked)
        limited = call.request
        if ceiling < (limited.max_tokens or _SMALL):
            limited = replace(limited, max_tokens=int(ceiling))
        heard = Heard(limited, call.emit, ceiling, budget.cut_off)
        completion = await _recorded(call, chat, limited, heard)
    if completion.finish_reason == "length" and limited is not call.request:
        raise budget.cut_off()
    return heard, completion


def _price_known(call: Call, chat: ChatModel) -> None:
    """Refuse a model without a known price if the run's cost is limited: the limit could not be enforced.

    Raises:
        ModelUnpriced: It has none.
    """
    limit = call.step.execution.budget.limits.max_cost_microusd
    if limit is not None and _cost(call, chat, 1_000, 1_000) is None:
        raise ModelUnpriced(
            f"The run may cost {price(limit)} at most, but nobody knows what {chat.info.ref} costs. "
            "An administrator of the installation can set its price on the page Models; or choose another "
            "model, or take the run's limit `max_cost_usd` away."
        )


def _cost(call: Call, chat: ChatModel, asked: int, answered: int) -> int | None:
    models = call.step.execution.host.models
    return models.cost_microusd(chat.info.provider, chat.info.name, asked, answered, 0)


def _bound(call: Call, chat: ChatModel) -> Size | None:
    """The most a call can use, if the length of its answer is limited."""
    answer = call.request.max_tokens
    if answer is None:
        return None
    asked = tokens_of_request(call.request)
    return Size(asked + answer, _cost(call, chat, asked, answer) or 0)


def _longest_answer(call: Call, chat: ChatModel, left: Size, asked: int) -> float:
    """How many tokens the run has left for the answer, at least one."""
    tokens = left.tokens - asked
    if not math.isinf(left.cost_microusd):
        million = _cost(call, chat, 0, 1_000_000) or 0
        spare = left.cost_microusd - (_cost(call, chat, asked, 0) or 0)
        tokens = min(tokens, spare * 1_000_000 / million if million else math.inf)
    return max(1.0, tokens)


async def _recorded(call: Call, chat: ChatModel, request: ChatRequest, heard: Heard) -> Completion:
    messages = [
        message.model_dump(mode="json", exclude_defaults=True) for message in request.messages
    ]
    facts = {"model": chat.info.name, "provider": chat.info.provider, "messages": messages}
    pool: Pool = "local_model" if chat.info.local else "model"
    async with (
        open_span(call.step, "llm", call.name, **facts) as span,
        place(call.step, pool, span),
    ):
        began = time.monotonic()
        try:
            await heard.listen(chat, span)
        except UpstreamFailed as error:
            if heard.was_shown:  # another answer would be appended to what people have seen
                error.context["is_final"] = True
            raise
        finally:
            completion = heard.completion(chat.info.name)
            if heard.used_any:
                duration_ms = round((time.monotonic() - began) * 1000)
                _record_usage(call.step, span, chat, completion, duration_ms)
            if thought := heard.thought.strip():
                span.note(reasoning=thought)
    return completion


def _record_usage(
    step: Step, span: OpenSpan, chat: ChatModel, completion: Completion, duration_ms: int
) -> None:
    """Record the usage of a call before its answer is used, also if it broke off."""
    host, usage = step.execution.host, completion.usage
    provider, used = (
        chat.info.provider,
        (usage.input_tokens, usage.output_tokens, usage.cached_tokens),
    )
    cost = host.models.cost_microusd(provider, chat.info.name, *used)
    if cost is None:  # the name asked for may stand for several
        cost = host.models.cost_microusd(provider, completion.model, *used)
    step.spend(usage.total, cost)
    if usage.is_estimated:
        step.warn(
            "usage_estimated",
            f"{chat.info.ref} does not say how many tokens it used; they were estimated.",
        )
    span.note(
        completion=completion.text,
        tool_calls=[call.model_dump(mode="json") for call in completion.tool_calls],
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        is_estimated=usage.is_estimated,
        cost_usd=dollars(cost),
        finish_reason=completion.finish_reason,
    )
    call = LlmCallRecord(
        id=host.new_id("llm_call"),
        step_path=step.record.path,
        span_id=span.record.id,
        provider=provider,
        model=completion.model,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cached_tokens=usage.cached_tokens,
        cost_microusd=cost,
        duration_ms=duration_ms,
        at=host.now(),
        is_estimated=usage.is_estimated,
    )
    step.execution.recorder.post_spending(step.record, call)

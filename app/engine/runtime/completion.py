"""Calls of chat models: streamed, bounded, priced and recorded; a wrong shape is repaired once."""

import json
import time
from collections.abc import Callable, Mapping
from contextlib import aclosing, suppress
from dataclasses import replace
from typing import Any

import jsonschema

from app.engine.host import LlmCallRecord, Models
from app.engine.payloads import dollars
from app.engine.providers.base import ChatModel, ChatRequest
from app.engine.runtime.budget import Size
from app.engine.runtime.execution import Step
from app.engine.runtime.spans import OpenSpan, open_span
from app.engine.sdk import Completion, Message, ToolCall, Usage
from app.kernel.errors import OutputInvalid

_MEND = "That cannot be used: {fault} Reply with the corrected JSON only, without any other text."
Emit = Callable[[str], None]


async def complete(
    step: Step, ref: str, request: ChatRequest, *, name: str, emit: Emit | None
) -> Completion:
    """Call a model; with a schema, check the answer and let the model mend it once.

    Args:
        ref: `provider/name`, or empty for the default model.
        emit: Receives the text as it comes.
    """
    completion = await _call(step, ref, request, name, emit)
    if request.schema is None or completion.tool_calls:
        return completion
    try:
        return completion.model_copy(update={"data": parse_answer(completion.text, request.schema)})
    except OutputInvalid as fault:
        mend = Message(role="user", text=_MEND.format(fault=fault.message))
        said = Message(role="assistant", text=completion.text)
        again = replace(request, messages=(*request.messages, said, mend))
    mended = await _call(step, ref, again, f"{name} (repair)", None)
    return mended.model_copy(
        update={
            "data": parse_answer(mended.text, request.schema),
            "usage": completion.usage + mended.usage,
        }
    )


def parse_answer(text: str, schema: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any JSON value
    """Read a model's answer as JSON of a shape; a code fence around it is taken off.

    Raises:
        OutputInvalid: It is no JSON, or does not fit; the message says where.
    """
    value = _first_json(text)
    try:
        jsonschema.validate(value, dict(schema))
    except jsonschema.ValidationError as error:
        place = f" at `{error.json_path}`" if error.absolute_path else ""
        raise OutputInvalid(
            f"The model's answer does not fit the asked shape{place}: {error.message[:200]}."
        ) from error
    except jsonschema.SchemaError as error:
        raise OutputInvalid(
            f"The asked shape is no JSON Schema: {error.message[:200]}.", field="schema"
        ) from error
    return value


def _first_json(text: str) -> Any:  # noqa: ANN401 - any JSON value
    """Read the text as JSON, or the first object or list in it: models write words around it."""
    try:
        return _JSON.decode(text)
    except ValueError as error:
        for start in sorted(at for at in (text.find("{"), text.find("[")) if at >= 0):
            with suppress(ValueError):
                return _JSON.raw_decode(text, start)[0]
        raise OutputInvalid(f"The model's answer is not JSON: {text.strip()[:100]!r}.") from error


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no JSON value")


_JSON = json.JSONDecoder(parse_constant=_no_number)


async def _call(
    step: Step, ref: str, request: ChatRequest, name: str, emit: Emit | None
) -> Completion:
    execution = step.execution
    execution.budget.check()
    chat = await execution.host.models.find(ref)
    async with execution.budget.call(_bound(execution.host.models, chat, request)):
        return await _recorded(step, chat, request, name, emit)


def _bound(models: Models, chat: ChatModel, request: ChatRequest) -> Size | None:
    """What a call uses at most, when the length of its answer is limited. A token has about four
    letters; two are reckoned with.
    """
    if request.max_tokens is None:
        return None
    asked = sum(len(message.model_dump_json()) for message in request.messages)
    asked += sum(len(tool.model_dump_json()) for tool in request.tools)
    asked = (asked + len(json.dumps(request.schema or {}))) // 2
    info, answer = chat.info, request.max_tokens
    cost = models.cost_microusd(info.provider, info.name, asked, answer, 0)
    return Size(asked + answer, cost or 0)


async def _recorded(
    step: Step, chat: ChatModel, request: ChatRequest, name: str, emit: Emit | None
) -> Completion:
    messages = [
        message.model_dump(mode="json", exclude_defaults=True) for message in request.messages
    ]
    facts = {"model": chat.info.name, "provider": chat.info.provider, "messages": messages}
    async with open_span(step, "llm", name, **facts) as span:
        began = time.monotonic()
        completion = await _gather(chat, request, emit, span)
        _settle(step, span, chat, completion, _ms_since(began))
    return completion


async def _gather(
    chat: ChatModel, request: ChatRequest, emit: Emit | None, span: OpenSpan
) -> Completion:
    began, pieces = time.monotonic(), list[str]()
    calls: tuple[ToolCall, ...] = ()
    usage, model, reason = Usage(), chat.info.name, "stop"
    async with aclosing(chat.stream(request)) as deltas:  # leaving early hangs up at once
        async for delta in deltas:
            if delta.text:
                if not pieces:
                    span.note(first_token_ms=_ms_since(began))
                pieces.append(delta.text)
                if emit:
                    emit(delta.text)
            calls += delta.tool_calls
            usage = delta.usage or usage
            model = delta.model or model
            reason = delta.finish_reason or reason
    return Completion(
        text="".join(pieces), tool_calls=calls, usage=usage, model=model, finish_reason=reason
    )


def _ms_since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)


def _settle(
    step: Step, span: OpenSpan, chat: ChatModel, completion: Completion, duration_ms: int
) -> None:
    """Write the call into the ledger before anything is made of its answer."""
    host, usage = step.execution.host, completion.usage
    provider = chat.info.provider
    cost = host.models.cost_microusd(
        provider, completion.model, usage.input_tokens, usage.output_tokens, usage.cached_tokens
    )
    step.spend(usage.total, cost)
    span.note(
        completion=completion.text,
        tool_calls=[call.model_dump(mode="json") for call in completion.tool_calls],
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
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
    )
    step.execution.recorder.post_spending(step.record, call)

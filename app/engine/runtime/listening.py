"""One model call: its text as it streams in, and everything received by its end, successful or not."""

import time
from collections.abc import Callable
from contextlib import aclosing

from app.engine.providers.base import ChatModel, ChatRequest, Delta
from app.engine.providers.reading import Spoken
from app.engine.runtime.estimates import size_of, surely, tokens_of, tokens_of_request
from app.engine.runtime.spans import OpenSpan
from app.engine.sdk import Completion, ToolCall, Usage
from app.kernel.errors import BudgetExceeded

Emit = Callable[[str], None]


class Heard:
    """What a call has said so far.

    Args:
        emit: Receives the text as it comes, without reasoning.
        ceiling: Tokens after which the answer is cut off, since the run may use no more.

    Attributes:
        was_shown: People have seen some of its text.
    """

    def __init__(
        self,
        request: ChatRequest,
        emit: Emit | None,
        ceiling: float,
        over: Callable[[], BudgetExceeded],
    ) -> None:
        self._request = request
        self._emit = emit
        self._ceiling = ceiling
        self._over = over
        self._spoken = Spoken()
        self._calls: tuple[ToolCall, ...] = ()
        self._usage = Usage()
        self._model = ""
        self._reason = ""
        self._bytes = 0
        self.was_shown = False

    async def listen(self, chat: ChatModel, span: OpenSpan) -> None:
        """Receive the call to its end.

        Raises:
            UpstreamFailed, UpstreamRefused: See ChatModel.
            BudgetExceeded: It has said more than the run may use.
        """
        began = time.monotonic()
        async with aclosing(chat.stream(self._request)) as deltas:  # leaving early hangs up at once
            async for delta in deltas:
                if not self._bytes and (delta.text or delta.thought):
                    span.note(first_token_ms=round((time.monotonic() - began) * 1000))
                self._take(delta)
        self._show(self._spoken.end())

    def _take(self, delta: Delta) -> None:
        if delta.text:
            self._bytes += size_of(delta.text)
            self._show(self._spoken.feed(delta.text))
        if delta.thought:
            self._bytes += size_of(delta.thought)
            self._spoken.think(delta.thought)
        self._calls += delta.tool_calls
        self._usage = delta.usage or self._usage
        self._model = delta.model or self._model
        self._reason = delta.finish_reason or self._reason
        if not self._reason and surely(self._bytes) > self._ceiling:
            raise self._over()

    def _show(self, text: str) -> None:
        if text and self._emit:
            self._emit(text)
            self.was_shown = True

    @property
    def used_any(self) -> bool:
        """Whether the call has used anything: it was answered, if not to the end."""
        return bool(self._bytes or self._calls or self._usage.total or self._reason)

    @property
    def thought(self) -> str:
        """Its reasoning."""
        return self._spoken.thought

    def completion(self, model: str) -> Completion:
        """The text received. Usage that the server does not report is estimated.

        Args:
            model: Its name, when the server does not report it.
        """
        return Completion(
            text=self._spoken.text,
            tool_calls=self._calls,
            usage=self._counted(),
            model=self._model or model,
            finish_reason=self._reason or "stop",
        )

    def _counted(self) -> Usage:
        reported = self._usage
        calls = "".join(call.model_dump_json() for call in self._calls)
        has_output = reported.output_tokens or not (self._bytes or calls)
        if reported.input_tokens and has_output:
            return reported
        written = self._spoken.text + self._spoken.thought + calls
        return reported.model_copy(
            update={
                "input_tokens": reported.input_tokens or tokens_of_request(self._request),
                "output_tokens": reported.output_tokens or tokens_of(written),
                "is_estimated": True,
            }
        )

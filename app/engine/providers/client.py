"""What the clients of all providers share: timeouts, and streaming an answer with failures turned into our errors."""

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import Any, Protocol

from app.engine.providers.base import ChatRequest, Delta, ModelInfo
from app.engine.providers.endpoint import Endpoint, failure, malformed
from app.kernel.errors import StepError

CONNECT_S = 5.0
SILENCE_S = 300.0
"""A local model may think for minutes over a long prompt before its first token."""


class Answer(Protocol):
    """Collects what a stream contains besides text."""

    def take(self, event: Any) -> Delta | None:  # noqa: ANN401 - as each provider calls it
        """Keep what an event contains and return its text."""

    def used(self) -> Delta:
        """The usage, as far as the server has reported it."""

    def end(self) -> Iterator[Delta]:
        """The last deltas: the usage, and, if it ended well, everything collected."""


class Api(Protocol):
    """A provider's API."""

    def stream(self, model: str, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        """Stream an answer of the model."""


class ApiChat:
    """A model behind a provider's API."""

    def __init__(self, info: ModelInfo, api: Api) -> None:
        self.info = info
        self._api = api

    def stream(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        """Stream the answer; see ChatModel."""
        return self._api.stream(self.info.name, request)


async def answered(
    endpoint: Endpoint,
    model: str,
    events: AsyncGenerator[Any, None],
    answer: Answer,
    errors: tuple[type[Exception], ...],
) -> AsyncGenerator[Delta, None]:
    """Stream an answer. If it breaks off, its usage comes before the error.

    Args:
        errors: What the client raises when the provider fails or refuses.

    Raises:
        UpstreamFailed, UpstreamRefused: See ChatModel.
    """
    problem: StepError | None = None
    try:
        async with aclosing(events):
            async for event in events:
                if delta := answer.take(event):
                    yield delta
    except errors as error:
        problem = failure(endpoint, model, error)
        problem.__cause__ = error
    except (ValueError, TypeError, AttributeError, LookupError) as error:
        problem = malformed(endpoint, model, str(error)[:200])
        problem.__cause__ = error
    if problem is not None:
        yield answer.used()
        raise problem
    for delta in answer.end():
        yield delta

"""The real world of one run, put together from adapters (host.Host)."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime

from app.adapters.process import blocking, fair
from app.engine.host import CachedOutput, ChildRequest, Delivery, Journal, Models, Pool, StepCache
from app.engine.sdk import CodeResult, HttpReply, HttpRequest, Json, KeyValue
from app.kernel import clock, ids
from app.kernel.errors import InvalidInput

Embed = Callable[[Sequence[str]], Awaitable[list[list[float]]]]
Http = Callable[[HttpRequest], Awaitable[HttpReply]]
Python = Callable[[str, Mapping[str, Json], float], Awaitable[CodeResult]]
Blocking = Callable[[str, Mapping[str, Json], float | None], Awaitable[Json]]
StartChild = Callable[[ChildRequest], Awaitable[None]]
ReadDeliveries = Callable[[], Awaitable[Sequence[Delivery]]]


async def no_children(child: ChildRequest) -> None:
    """Refuse: this process does not start runs.

    Raises:
        InvalidInput: Always.
    """
    raise InvalidInput("Workflows cannot be called here.", field="workflow")


async def no_deliveries() -> Sequence[Delivery]:
    """Nothing reaches a run that is not stored."""
    return ()


class NoCache:
    """A cache that keeps nothing."""

    async def get(self, key: str) -> CachedOutput | None:
        """There is nothing."""

    async def put(self, key: str, value: CachedOutput, seconds: float) -> None:
        """Forget it at once."""


@dataclass(frozen=True)
class World:
    """What all runs of a process share of the outside."""

    models: Models
    embed: Embed
    http: Http
    python: Python
    start_child: StartChild = no_children
    deliveries: ReadDeliveries = no_deliveries
    blocking: Blocking = blocking.run


@dataclass(frozen=True)
class RunHost:
    """The world of one run: the shared one, its own journal, and its workflow's memory."""

    world: World
    journal: Journal
    memory: KeyValue
    cache: StepCache = field(default_factory=NoCache)
    workspace_id: str = ""

    @property
    def models(self) -> Models:
        """Chat models and prices."""
        return self.world.models

    def now(self) -> datetime:
        """The time, aware, in UTC."""
        return clock.now()

    def new_id(self, noun: str) -> str:
        """A fresh id."""
        return ids.new_id(noun)

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Unit vectors of 384 numbers."""
        return await self.world.embed(texts)

    async def http(self, request: HttpRequest) -> HttpReply:
        """Call the outside through the egress guard."""
        return await self.world.http(request)

    async def python(self, source: str, inputs: Mapping[str, Json], timeout_s: float) -> CodeResult:
        """Run Python in the sandbox."""
        return await self.world.python(source, inputs, timeout_s)

    async def blocking(
        self, function: str, arguments: Mapping[str, Json], timeout_s: float | None
    ) -> Json:
        """Call a function of a node type in a process that is killed at the limit or on cancel."""
        return await self.world.blocking(function, arguments, timeout_s)

    def place(self, pool: Pool, waits: Callable[[int], None]) -> AbstractAsyncContextManager[None]:
        """A place of this process, given in turn to the workspaces that want one."""
        return fair.pool(pool).place(self.workspace_id, waits)

    async def deliveries(self) -> Sequence[Delivery]:
        """What has been delivered for waiting steps of the run and not been consumed yet."""
        return await self.world.deliveries()

    async def start_child(self, child: ChildRequest) -> None:
        """Store a run and start it; when there is one of this id, do nothing."""
        await self.world.start_child(child)

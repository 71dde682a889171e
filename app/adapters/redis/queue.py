"""The queue of runs: RQ on Redis. A job carries a run's id and only wakes a worker; the database says who is next."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec, Protocol, TypeVar

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import Queue as RqQueue
from rq.exceptions import DuplicateJobError
from rq.serializers import JSONSerializer

from app.kernel.errors import QueueDown

Args = ParamSpec("Args")
Got = TypeVar("Got")

_log = logging.getLogger(__name__)

QUEUES = ("high", "default", "low")
"""One queue for each priority that a run may have: 0, 1 and 2."""

DEFAULT = 1
EXECUTE = "app.worker.execute"
"""The one function that a job may name. Nobody calls it by that name: workers never read what a job holds."""

_LOST = (RedisError, OSError)
_JOB_TTL_S = 7 * 86_400


def connect(url: str) -> Redis:
    """Open a connection that fails at once when Redis is away, instead of trying again by
    itself.
    """
    return Redis.from_url(url, retry=Retry(NoBackoff(), 0), socket_connect_timeout=2)


JOB = "run-"
"""How ids of our jobs begin."""


def job_id(run_id: str, life: int) -> str:
    """The id of the job that starts a run's n-th life; the same life is never queued twice."""
    return f"{JOB}{run_id}-{life}"


class RunQueue(Protocol):
    """What runs wait in: `Queue` for workers, `local.LocalQueue` for this process."""

    async def enqueue(self, run_id: str, life: int, *, priority: int = DEFAULT) -> bool:
        """Queue a run's n-th life; False when it is queued already."""

    async def waiting(self) -> frozenset[str]:
        """Ids of all jobs that wait."""

    async def lead(self, role: str, name: str, seconds: float) -> bool:
        """Become or stay the one process with this role; False when another one is."""

    async def answers(self) -> bool:
        """Whether it can take runs now."""

    async def close(self) -> None:
        """Give the connections back."""


async def offer(queue: RunQueue, run_id: str, life: int, *, priority: int = DEFAULT) -> None:
    """Queue a run's n-th life. Never fails: the row is the promise, and the sweeper queues it later."""
    try:
        await queue.enqueue(run_id, life, priority=priority)
    except QueueDown:
        _log.warning(
            "Redis is away: the run is stored and starts when it is back", extra={"run_id": run_id}
        )


class Queue:
    """Puts runs into the queues `high`, `default` and `low`."""

    def __init__(self, url: str) -> None:
        self._redis = connect(url)
        self._queues = {
            name: RqQueue(name, connection=self._redis, serializer=JSONSerializer)
            for name in QUEUES
        }

    async def enqueue(self, run_id: str, life: int, *, priority: int = DEFAULT) -> bool:
        """Queue a run's n-th life; False when it is queued already.

        Raises:
            QueueDown: Redis does not answer. The run stays pending; the sweeper queues it later.
        """
        return await self._ask(self._enqueue, run_id, life, priority)

    async def waiting(self) -> frozenset[str]:
        """Ids of all jobs that wait in the queues."""
        return frozenset(await self._ask(self._waiting))

    async def lead(self, role: str, name: str, seconds: float) -> bool:
        """Become or stay the one process with this role for the next seconds; False when another
        one is.
        """
        return await self._ask(self._lead, role, name, seconds)

    async def answers(self) -> bool:
        """Whether Redis answers now."""
        try:
            await self._ask(self._ping)
        except QueueDown:
            return False
        return True

    async def close(self) -> None:
        """Give the connections back."""
        await asyncio.to_thread(self._redis.close)

    async def _ask(self, work: Callable[Args, Got], *args: Args.args, **kwargs: Args.kwargs) -> Got:
        try:
            return await asyncio.to_thread(work, *args, **kwargs)
        except _LOST as error:
            raise QueueDown(
                "Redis does not answer. What was asked for is stored and goes on when it is back."
            ) from error

    def _ping(self) -> None:
        self._redis.ping()

    def _enqueue(self, run_id: str, life: int, priority: int) -> bool:
        try:
            self._queues[QUEUES[priority]].enqueue_call(
                EXECUTE,
                args=(run_id,),
                job_id=job_id(run_id, life),
                timeout=-1,
                ttl=_JOB_TTL_S,
                result_ttl=0,
                failure_ttl=_JOB_TTL_S,
                description=f"run {run_id}",
                unique=True,
            )
        except DuplicateJobError:
            return False
        return True

    def _waiting(self) -> Sequence[str]:
        pipe = self._redis.pipeline(transaction=False)
        for queue in self._queues.values():
            pipe.lrange(queue.key, 0, -1)
        return [raw.decode() for jobs in pipe.execute() for raw in jobs]

    def _lead(self, role: str, name: str, seconds: float) -> bool:
        key, millis = f"lead:{role}", int(seconds * 1_000)
        if self._redis.set(key, name, nx=True, px=millis):
            return True
        holder: Any = self._redis.get(key)
        if holder is None or holder.decode() != name:
            return False
        return bool(self._redis.pexpire(key, millis))

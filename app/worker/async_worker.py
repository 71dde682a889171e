"""An RQ worker that keeps many runs in flight: a thread listens to the queues, an asyncio loop works.

A job is only a wake-up. It is forgotten as soon as it is popped, because the claim, the lease and the progress of a
run are in the database; so many are popped at once, and their contents are never read.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Sequence

from redis import Redis
from redis.exceptions import RedisError
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.worker import BaseWorker

from app.adapters.redis.queue import JOB
from app.worker.claimer import Claimer

_log = logging.getLogger(__name__)

LISTEN_S = 5
HEARTBEAT_S = 10.0


class AsyncWorker(BaseWorker):  # type: ignore[misc]  # rq is untyped for us
    """Listens to the queues while the desk has room, and calls it; registered like every RQ worker."""

    def __init__(
        self,
        queues: Sequence[str],
        connection: Redis,
        name: str,
        claimer: Claimer,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        super().__init__(
            list(queues),
            name=name,
            connection=connection,
            serializer=JSONSerializer,
            worker_ttl=30,
        )
        self._claimer = claimer
        self._loop = loop
        self._room = threading.Event()
        self._beat_at = 0.0
        claimer.on_change = self._look
        loop.call_soon_threadsafe(self._look)

    def listen(self) -> None:
        """Call the desk whenever jobs arrive; only while it has room, so that other workers get the rest.

        Raises:
            RedisError: Redis went away.
            StopRequested: By a signal.
        """
        self.connection.delete(self.key)  # what a lost connection left of us
        self.register_birth()
        self._beat_at = time.monotonic()
        while True:
            self._beat()
            if self._room.wait(LISTEN_S) and self._pop(self._claimer.free):
                asyncio.run_coroutine_threadsafe(self._claimer.called(), self._loop).result()

    def leave(self) -> None:
        """Deregister, unless Redis is away."""
        try:
            self.register_death()
        except (RedisError, OSError) as error:
            _log.info("the worker could not deregister", extra={"error": str(error)})

    def _pop(self, most: int) -> int:
        """Pop jobs, waiting some seconds for the first; return how many."""
        with self.connection.pipeline(transaction=False) as pipe:
            for queue in self.queues:
                pipe.lpop(queue.key, max(1, most))
            popped = [raw.decode() for jobs in pipe.execute() for raw in jobs or ()]
        if not popped:
            found = self.connection.blpop([queue.key for queue in self.queues], LISTEN_S)
            popped = [found[1].decode()] if found else []
        if popped:
            self.connection.unlink(*(Job.key_for(job) for job in popped))
        foreign = [job for job in popped if not job.startswith(JOB)]
        if foreign:
            _log.warning("jobs that are none of ours were thrown away", extra={"jobs": foreign})
        return len(popped) - len(foreign)

    def _beat(self) -> None:
        if time.monotonic() - self._beat_at > HEARTBEAT_S:
            if self.connection.exists(self.key):
                self.heartbeat()
            else:  # Redis has lost everything
                self.register_birth()
            self._beat_at = time.monotonic()

    def _look(self) -> None:
        if self._claimer.free:
            self._room.set()
        else:
            self._room.clear()

"""An RQ worker that keeps many runs in flight: RQ's blocking loop in one thread, asyncio in
another.

A job is only the trigger: it is forgotten as soon as its run is handed over, because the claim, the
lease and the progress
of the run are in the database. Lost jobs are found by the sweeper.
"""

import asyncio
import logging
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future

from redis import Redis
from redis.exceptions import RedisError
from rq.exceptions import DeserializationError
from rq.job import Job as RqJob
from rq.queue import Queue as RqQueue
from rq.serializers import JSONSerializer
from rq.worker import BaseWorker

from app.services.runtime import Runtime
from app.worker.jobs import Job

_log = logging.getLogger(__name__)


class AsyncWorker(BaseWorker):  # type: ignore[misc]  # rq is untyped for us
    """Takes jobs from the queues, never more than it can run, and runs them in an asyncio loop."""

    max_connection_wait_time = 2.0
    log_job_description = False

    def __init__(
        self,
        queues: Sequence[str],
        connection: Redis,
        parts: Runtime,
        *,
        loop: asyncio.AbstractEventLoop,
        jobs: Mapping[str, Job],
        concurrency: int,
    ) -> None:
        super().__init__(
            list(queues),
            name=parts.name,
            connection=connection,
            serializer=JSONSerializer,
            worker_ttl=30,
        )
        self.loop = loop
        self._parts = parts
        self._jobs = jobs
        self._slots = threading.Semaphore(concurrency)
        self._flying: set[Future[None]] = set()

    def execute_job(self, job: RqJob, queue: RqQueue) -> None:
        """Hand a job over to the loop, then wait until there is room for another one."""
        self._forget(job, queue)
        work, run_id = self._read(job)
        if work is None:
            return
        self._slots.acquire()
        flying = asyncio.run_coroutine_threadsafe(self._run(work, run_id), self.loop)
        self._flying.add(flying)
        flying.add_done_callback(self._landed)
        self._slots.acquire()  # while full, take no other job: another worker may have room for it
        self._slots.release()

    @property
    def in_flight(self) -> int:
        """How many jobs are being worked on."""
        return len(self._flying)

    def _read(self, job: RqJob) -> tuple[Job | None, str]:
        try:
            name, args = job.func_name, job.args
        except (DeserializationError, ValueError, TypeError):
            name, args = "", ()
        if name not in self._jobs or len(args) != 1 or not isinstance(args[0], str):
            _log.warning("a job that is none of ours was thrown away", extra={"job_id": job.id})
            return None, ""
        return self._jobs[name], args[0]

    def _forget(self, job: RqJob, queue: RqQueue) -> None:
        with self.connection.pipeline() as pipe:
            pipe.delete(job.key)
            if len(self.queues) == 1:  # RQ then keeps what it pops in a list of its own
                queue.intermediate_queue.remove(job.id)
            pipe.execute()

    async def _run(self, work: Job, run_id: str) -> None:
        try:
            await work(self._parts, run_id)
        except Exception:  # noqa: BLE001 - the edge: one job never takes the worker down
            _log.exception("a job failed", extra={"run_id": run_id})

    def _landed(self, flying: Future[None]) -> None:
        self._flying.discard(flying)
        self._slots.release()

    def bootstrap(self, *_: object) -> None:
        """Register; RQ's own log handlers and its command channel stay off."""
        self.register_birth()

    def teardown(self) -> None:
        """Deregister, unless Redis is away."""
        try:
            self.register_death()
        except (RedisError, OSError) as error:
            _log.info("the worker could not deregister", extra={"error": str(error)})

    def procline(self, message: str) -> None:
        """Keep the process's name."""

    def _install_signal_handlers(self) -> None:
        """Signals are heard by the process's main module."""

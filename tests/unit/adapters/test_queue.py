"""The queue: unique jobs, JSON only, priorities, leadership, Redis away."""

import asyncio
import json
import zlib

import pytest
import redis

from app.adapters.redis.queue import EXECUTE, Queue, job_id
from app.kernel.errors import QueueDown


@pytest.fixture
async def queue(clean_redis):
    queue = Queue(clean_redis)
    yield queue
    await queue.close()


async def test_a_life_is_queued_once(queue):
    assert await queue.enqueue("run_1", 1)
    assert not await queue.enqueue("run_1", 1)
    assert await queue.enqueue("run_1", 2)
    assert (
        await queue.waiting()
        == {job_id("run_1", 1), job_id("run_1", 2)}
        == {"run-run_1-1", "run-run_1-2"}
    )


async def test_a_job_carries_an_allowed_name_and_an_id_as_json(queue, clean_redis):
    await queue.enqueue("run_1", 1, priority=0)
    with redis.Redis.from_url(clean_redis) as client:
        raw = client.hgetall("rq:job:run-run_1-1")
        assert client.lrange("rq:queue:high", 0, -1) == [b"run-run_1-1"]
    assert json.loads(zlib.decompress(raw[b"data"])) == [EXECUTE, None, ["run_1"], {}]


async def test_one_process_leads_until_its_time_is_up(queue):
    assert await queue.lead("sweeper", "one", 30)
    assert not await queue.lead("sweeper", "two", 30)
    assert await queue.lead("sweeper", "one", 0.05)
    async with asyncio.timeout(5):
        while not await queue.lead("sweeper", "two", 30):
            await asyncio.sleep(0.01)
    assert not await queue.lead("sweeper", "one", 30)


async def test_redis_away_is_told_at_once():
    queue = Queue("redis://127.0.0.1:1/0")
    with pytest.raises(QueueDown):
        await queue.enqueue("run_1", 1)
    assert not await queue.answers()
    await queue.close()

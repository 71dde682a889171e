"""The sweeper: each duty in its own time, by one process, whatever happens to the others."""

import asyncio

from app.adapters.queue import Queue
from app.kernel.errors import StorageDown
from app.worker.sweeper import Duty, sweep_forever


async def until(is_true, seconds=10):
    async with asyncio.timeout(seconds):
        while not is_true():
            await asyncio.sleep(0.01)


class Done:
    """Counts how often a duty was done by each process."""

    def __init__(self):
        self.by: list[str] = []

    async def work(self, parts):
        self.by.append(parts.name)


async def sweeping(parts, *duties):
    return asyncio.create_task(sweep_forever(parts, duties))


async def stop(*tasks):
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_duty_that_fails_or_hangs_does_not_hold_up_the_others(parts):
    good, failed = Done(), 0

    async def bad(_):
        nonlocal failed
        failed += 1
        raise (StorageDown("away") if failed % 2 else ValueError("broken"))

    async def hang(_):
        await asyncio.Event().wait()

    task = await sweeping(parts, Duty(hang, 0.01), Duty(bad, 0.01), Duty(good.work, 0.01))
    await until(lambda: len(good.by) > 5 and failed > 3)
    await stop(task)


async def test_one_process_leads_and_another_takes_over(parts):
    done = Done()
    other = type("Other", (), {"queue": parts.queue, "name": "other"})()
    mine = await sweeping(parts, Duty(done.work, 0.05))
    await until(lambda: done.by)
    theirs = await sweeping(other, Duty(done.work, 0.05))
    await until(lambda: len(done.by) > 5)
    assert set(done.by) == {parts.name}
    await stop(mine)
    await until(lambda: "other" in done.by)
    await stop(theirs)


async def test_without_redis_each_process_does_its_duties(parts):
    done, here = Done(), parts.queue
    parts.queue = Queue("redis://127.0.0.1:1/0")
    task = await sweeping(parts, Duty(done.work, 0.01))
    await until(lambda: len(done.by) > 2)
    await stop(task)
    await parts.queue.close()
    parts.queue = here

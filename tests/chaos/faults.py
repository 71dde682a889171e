"""What can go wrong, as deeds of a harness on a running product. Each returns what it did."""

import asyncio
import contextlib
import json
import os
import random
import shutil
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg
import redis as redis_client

from app.adapters.redis.queue import Queue
from tests.chaos.evidence import Death, query
from tests.chaos.processes import Child, Product

_LOST = (redis_client.RedisError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError)


class Faults:
    """Does damage to a product and remembers it."""

    def __init__(self, product: Product, dice: random.Random) -> None:
        self.deaths: list[Death] = []
        self.outages: list[tuple[float, float]] = []
        self.done: list[tuple[float, str]] = []
        self._product = product
        self._dice = dice
        self._seen: set[str] = set()

    def kinds(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """Every fault that this product can suffer, by name."""
        found: dict[str, Callable[[], Awaitable[None]]] = {
            "web killed": self.kill_web,
            "web frozen": self.freeze_web,
            "clock jumps ahead": lambda: self.jump(3_600),
            "clock jumps back": lambda: self.jump(-3_600),
        }
        if self._product.workers:
            found |= {
                "worker killed": self.kill_worker,
                "all workers killed": self.kill_workers,
                "worker frozen": self.freeze_worker,
                "worker told to stop": self.stop_worker,
            }
        if self._product.redis:
            found |= {
                "Redis restarted": self.restart_redis,
                "Redis emptied": self.empty_redis,
                "Redis gone back in time": self.age_redis,
                "Redis hangs": self.hang_redis,
                "Redis slow": self.slow_redis,
                "Redis full": self.fill_redis,
                "jobs again, in another order": self.repeat_jobs,
            }
        if self._product.postgres:
            return found | {
                "database crashes": lambda: self.restart_database("immediate"),
                "database restarts": lambda: self.restart_database("fast"),
                "database connections cut": self.cut_connections,
            }
        return found | {"database locked": self.lock_database}

    async def do(self, name: str) -> None:
        """Do one, and note it."""
        self.done.append((time.time(), name))
        await self.kinds()[name]()

    # processes

    async def kill_worker(self) -> None:
        """kill -9 of one worker."""
        await self.kill(self._dice.choice(self._product.workers))

    async def kill_workers(self) -> None:
        """kill -9 of all workers."""
        for child in self._product.workers:
            await self.kill(child)

    async def kill_web(self) -> None:
        """kill -9 of the web process."""
        await self.kill(self._product.web)

    async def kill(self, child: Child) -> None:
        """kill -9 of a process and its children."""
        at = time.time()
        self.deaths += [Death(at, pid, "kill") for pid in group(child.pid)]
        await asyncio.to_thread(child.kill)

    async def freeze_worker(self) -> None:
        """SIGSTOP for longer than a lease, then SIGCONT: a zombie."""
        await self.freeze(self._dice.choice(self._product.workers), self._dice.uniform(3, 7))

    async def freeze_web(self) -> None:
        """The same for the web process."""
        await self.freeze(self._product.web, self._dice.uniform(3, 6))

    async def freeze(self, child: Child, seconds: float) -> None:
        """SIGSTOP, wait, SIGCONT."""
        frozen = [Death(time.time(), pid, "stop") for pid in group(child.pid)]
        self.deaths += frozen
        child.send(signal.SIGSTOP)
        await asyncio.sleep(seconds)
        for death in frozen:
            death.until = time.time()
        child.send(signal.SIGCONT)

    async def stop_worker(self) -> None:
        """SIGTERM: it drains for two seconds, hands the rest over and ends."""
        child = self._dice.choice(self._product.workers)
        child.send(signal.SIGTERM)
        await asyncio.to_thread(_until_dead, child, 20)

    async def jump(self, seconds: float) -> None:
        """Move the clock for some seconds, then put it right."""
        began = time.time()
        self._product.clock.set(seconds)
        await asyncio.sleep(self._dice.uniform(3, 6))
        self._product.clock.set(0)
        self.outages.append((began, time.time() + 1))

    # Redis

    async def restart_redis(self) -> None:
        """Killed and started empty."""
        redis = self._product.redis
        began = time.time()
        redis.kill()
        (redis.home / "dump.rdb").unlink(missing_ok=True)
        await asyncio.sleep(self._dice.uniform(0.2, 3))
        await asyncio.to_thread(redis.start)
        self.outages.append((began, time.time()))

    async def empty_redis(self) -> None:
        """FLUSHALL."""
        await self._ask_redis("FLUSHALL")

    async def age_redis(self) -> None:
        """A snapshot is taken; seconds later the server comes back with it."""
        redis = self._product.redis
        with contextlib.suppress(*_LOST):
            await self._ask_redis("SAVE")
            shutil.copy(redis.home / "dump.rdb", redis.home / "old.rdb")
            await asyncio.sleep(self._dice.uniform(1, 3))
            began = time.time()
            redis.kill()
            shutil.move(redis.home / "old.rdb", redis.home / "dump.rdb")
            await asyncio.to_thread(redis.start)
            self.outages.append((began, time.time()))

    async def hang_redis(self) -> None:
        """It takes connections and answers nothing."""
        began = time.time()
        self._product.redis.freeze(on=True)
        await asyncio.sleep(self._dice.uniform(1, 5))
        self._product.redis.freeze(on=False)
        self.outages.append((began, time.time()))

    async def slow_redis(self) -> None:
        """Each command waits up to a third of a second, for some seconds."""
        began = time.time()
        for _ in range(10):
            await self._ask_redis("CLIENT", "PAUSE", "300", "ALL")
            await asyncio.sleep(0.4)
        self.outages.append((began, time.time()))

    async def fill_redis(self) -> None:
        """It refuses every write: out of memory, and nothing may be evicted."""
        began = time.time()
        await self._ask_redis("CONFIG", "SET", "maxmemory-policy", "noeviction")
        await self._ask_redis("CONFIG", "SET", "maxmemory", "1")
        await asyncio.sleep(self._dice.uniform(2, 5))
        await self._ask_redis("CONFIG", "SET", "maxmemory", "0")
        self.outages.append((began, time.time()))

    async def repeat_jobs(self) -> None:
        """Jobs of runs in every state are delivered again, shuffled, some for lives to come."""
        with contextlib.suppress(*_LOST):
            rows = await query(
                self._product.database_url, "select id, epoch from run order by id desc limit 40"
            )
            self._dice.shuffle(rows)
            queue = Queue(self._product.redis.url)
            for row in rows:
                with contextlib.suppress(Exception):
                    await queue.enqueue(row["id"], row["epoch"] + self._dice.randint(0, 3))
            await queue.close()

    async def _ask_redis(self, *words: str) -> None:
        def ask() -> None:
            with contextlib.suppress(*_LOST), self._product.redis.client() as client:
                client.execute_command(*words)

        await asyncio.to_thread(ask)

    # database

    async def restart_database(self, mode: str) -> None:
        """PostgreSQL crashes, or is restarted in order."""
        await self._without_postgres(mode, self._dice.uniform(0, 2))

    async def keep_database_away(self, seconds: float) -> None:
        """PostgreSQL is down for so long, or somebody else holds SQLite's lock."""
        if self._product.postgres:
            await self._without_postgres("immediate", seconds)
        else:
            await self._lock(seconds)

    async def _without_postgres(self, mode: str, seconds: float) -> None:
        began = time.time()
        await asyncio.to_thread(self._product.postgres.stop, mode)
        await asyncio.sleep(seconds)
        await asyncio.to_thread(self._product.postgres.start)
        self.outages.append((began, time.time() + 1))

    async def cut_connections(self) -> None:
        """All of its connections end in the middle of whatever they do."""
        statement = (
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where pid <> pg_backend_pid() and datname = 'chaos'"
        )
        with contextlib.suppress(*_LOST):
            await query(self._product.database_url, statement)

    async def lock_database(self) -> None:
        """SQLite: somebody else holds the writer's lock for seconds."""
        await self._lock(self._dice.uniform(2, 8))

    async def _lock(self, seconds: float) -> None:
        began = time.time()
        with contextlib.suppress(Exception):
            await asyncio.to_thread(self._product.lock_sqlite, seconds)
        self.outages.append((began, time.time()))

    # what runs did to their own processes, see points.py

    def look_at_deeds(self) -> None:
        """Note deaths at places in runs; wake those that were frozen there after a while."""
        for path in (self._product.home / "deeds").iterdir():
            if path.name in self._seen:
                continue
            with contextlib.suppress(ValueError, OSError):
                facts = json.loads(path.read_text())
                self._seen.add(path.name)
                at = facts["at"] + time.time() - time.monotonic()
                death = Death(at, facts["pid"], facts["deed"], place=facts["place"])
                self.deaths.append(death)
                self.done.append((death.at, f"{_verb(death.deed)} at {_short(death.place)}"))
        asleep = [d for d in self.deaths if d.deed == "stop" and d.place and not d.until]
        for death in asleep:
            if (
                time.time() > death.at + 6
            ):  # longer than a worker that has just started needs to be sure
                death.until = time.time()
                with contextlib.suppress(ProcessLookupError):
                    os.kill(death.pid, signal.SIGCONT)

    @property
    def places(self) -> list[str]:
        """Places at which runs did something to their process."""
        return [death.place for death in self.deaths if death.place]


def _verb(deed: str) -> str:
    return {"kill": "killed", "stop": "frozen"}.get(deed, "slow")


def _short(place: str) -> str:
    words = place.split(":")
    return words[0] if words[0].startswith("effect") else ":".join(words[:2])


def group(pid: int) -> list[int]:
    """The processes of a group."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, IndexError):
                stat = (entry / "stat").read_text().rpartition(")")[2].split()
                if int(stat[2]) == pid:
                    found.append(int(entry.name))
    return found


def _until_dead(child: Child, seconds: float) -> None:
    end = time.monotonic() + seconds
    while child.alive and time.monotonic() < end:
        time.sleep(0.05)
    if child.alive:
        child.kill()

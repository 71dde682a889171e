"""Rate limits.

Guessing is counted in Redis, so that all processes together allow no more attempts than one; without Redis, in this
process. Legitimate work, of which there is much, is always counted in this process alone: that costs nothing, and
where several processes serve requests each allows the full amount.
"""

import hashlib
import ipaddress
import logging
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from app.kernel.errors import RateLimited

_log = logging.getLogger(__name__)
_MAX_KEYS = 50_000
_AWAY = (RedisError, OSError)
_FREE_AGAIN_S = 10


@dataclass(frozen=True)
class Limit:
    """At most `count` attempts in a window that starts with the first one."""

    name: str
    count: int
    window_s: int


SIGN_IN_PAIR = Limit("sign-in-pair", 10, 900)
"""One account from one address."""
SIGN_IN_ACCOUNT = Limit("sign-in-account", 100, 900)
"""One account from anywhere: generous, or anyone could lock anyone out."""
SIGN_IN_ADDRESS = Limit("sign-in-address", 100, 900)
"""All accounts from one address."""
REGISTER_ADDRESS = Limit("register-address", 100, 3_600)
"""New accounts from one address."""


class _Memory:
    """Counters of this process; the oldest are dropped when there are too many."""

    def __init__(self) -> None:
        self._counts: dict[str, tuple[int, float]] = {}

    def hit(self, key: str, window_s: int) -> tuple[int, int]:
        now = time.monotonic()
        count, ends = self._counts.get(key, (0, 0.0))
        if ends <= now:
            self._counts.pop(key, None)
            count, ends = 0, now + window_s
        self._counts[key] = (count + 1, ends)
        while len(self._counts) > _MAX_KEYS:
            self._counts.pop(next(iter(self._counts)))
        return count + 1, int(ends - now) + 1

    def forget(self, key: str) -> None:
        self._counts.pop(key, None)


class Throttle:
    """Counts attempts before they are made, so that concurrent ones cannot slip through."""

    def __init__(self, redis: Redis | None = None) -> None:
        self._redis = redis
        self._memory = _Memory()

    async def hit(self, limit: Limit, *who: str) -> None:
        """Count an attempt.

        Raises:
            RateLimited: There were too many; `context["retry_after_s"]` says when to come back.
        """
        count, left_s = await self._count(_key(limit, who), limit.window_s)
        if count > limit.count:
            minutes = max(1, round(left_s / 60))
            plural = "" if minutes == 1 else "s"
            raise RateLimited(
                f"Too many attempts. Try again in {minutes} minute{plural}.", retry_after_s=left_s
            )

    async def forget(self, limit: Limit, *who: str) -> None:
        """Reset the count, after a success."""
        key = _key(limit, who)
        self._memory.forget(key)
        if self._redis is not None:
            try:
                await self._redis.delete(key)
            except _AWAY:
                _log.warning("throttle: redis is away, counting in this process")

    async def close(self) -> None:
        """Close the connections."""
        if self._redis is not None:
            await self._redis.aclose()

    async def _count(self, key: str, window_s: int) -> tuple[int, int]:
        if self._redis is not None:
            try:
                async with self._redis.pipeline(transaction=True) as pipe:
                    pipe.set(key, 0, ex=window_s, nx=True)
                    pipe.incr(key)
                    pipe.ttl(key)
                    _, count, left_s = await pipe.execute()
                return int(count), max(1, int(left_s))
            except _AWAY:
                _log.warning("throttle: redis is away, counting in this process")
        return self._memory.hit(key, window_s)


def shared_throttle(url: str) -> Throttle:
    """A throttle that counts in this Redis, shared with all other processes."""
    return Throttle(
        Redis.from_url(url, retry=Retry(NoBackoff(), 0), socket_connect_timeout=1, socket_timeout=1)
    )


def _key(limit: Limit, who: tuple[str, ...]) -> str:
    """A key that does not reveal whom it is about."""
    return f"throttle:{limit.name}:{hashlib.sha256(chr(0).join(who).encode()).hexdigest()[:32]}"


@lru_cache(maxsize=10_000)
def address_of(client: str) -> str:
    """What counts as one address: an IPv4 address, or the /64 network of an IPv6 one."""
    try:
        ip = ipaddress.ip_address(client)
    except ValueError:
        return client
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is None:
        return str(ipaddress.ip_network((ip, 64), strict=False).network_address)
    return str(ip)


@dataclass(frozen=True)
class Rate:
    """A burst of so many units, and so many a second over time."""

    burst: float
    per_s: float


class Budgets:
    """How many units of a rate each key has left. They refill over time; an unknown key has all of them."""

    def __init__(self) -> None:
        self._left: dict[str, tuple[float, float]] = {}

    def spend(self, key: str, rate: Rate, units: float = 1) -> float:
        """Take units and return 0; or, when there are too few, take none and return how many seconds it takes until
        there are enough.
        """
        moment = time.monotonic()
        left, at = self._left.pop(key, (rate.burst, moment))
        left = min(rate.burst, left + (moment - at) * rate.per_s)
        lacking = max(0.0, units - left)
        self._left[key] = left if lacking else left - units, moment  # most recently used last
        if len(self._left) > _MAX_KEYS:
            del self._left[next(iter(self._left))]
        return lacking / rate.per_s


class Places:
    """How many long-lived things each key has open at the moment."""

    def __init__(self) -> None:
        self._taken: Counter[str] = Counter()

    @contextmanager
    def hold(self, most: Iterable[tuple[str, float]], message: str) -> Iterator[None]:
        """Hold a slot of each key, up to a limit.

        Raises:
            RateLimited: One of the keys has none left.
        """
        wanted = dict(most)
        if any(self._taken[key] >= count for key, count in wanted.items()):
            raise RateLimited(message, retry_after_s=_FREE_AGAIN_S)
        self._taken.update(wanted.keys())
        try:
            yield
        finally:
            for key in wanted:
                self._taken[key] -= 1
                if not self._taken[key]:
                    del self._taken[key]

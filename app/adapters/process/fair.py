"""Shared places, such as children of the sandbox: who uses many of them does not shut others out."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count
from weakref import WeakKeyDictionary

from app.engine.host import Pool

Waits = Callable[[int], None]

PLACES: dict[Pool, int] = {"sandbox": 4, "blocking": 4, "http": 100, "model": 80, "local_model": 2}
"""A server of this machine answers one call after the other: the second one is there when the first has ended."""

GUESTS: dict[Pool, int] = {"sandbox": 4, "blocking": 4, "http": 100, "model": 20, "local_model": 0}
"""Further places for who has none yet, while others hold all: a slow program must not keep a newcomer waiting."""


class FairPool:
    """Places that are given in turn: next comes whoever holds the fewest, then who has waited longest for its turn.

    One owner alone may hold all places. An owner with none gets one of the further ones at once. For one
    event loop.
    """

    def __init__(self, places: int, guests: int = 0) -> None:
        self._places = places
        self._guests = guests
        self._held: dict[str, int] = {}
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}
        self._latest: dict[str, int] = {}
        self._turns = count(1)

    @asynccontextmanager
    async def place(self, owner: str, waits: Waits = lambda _: None) -> AsyncIterator[None]:
        """Hold a place.

        Args:
            waits: Called when there is none at once, with how many of the owner's are before this one.
        """
        if self._waiting.get(owner) or not self._may_take(owner):
            await self._turn(owner, waits)
        else:
            self._take(owner)
        try:
            yield
        finally:
            self._give_back(owner)

    async def _turn(self, owner: str, waits: Waits) -> None:
        """Return once a place was given; it is counted already."""
        queue = self._waiting.setdefault(owner, deque())
        waits(len(queue))
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # given in the same moment
                self._give_back(owner)
            else:
                self._leave(owner, turn)
            raise

    def _may_take(self, owner: str) -> bool:
        used = sum(self._held.values())
        most = self._places if self._held.get(owner) else self._places + self._guests
        return used < most

    def _take(self, owner: str) -> None:
        self._held[owner] = self._held.get(owner, 0) + 1
        self._latest[owner] = next(self._turns)

    def _give_back(self, owner: str) -> None:
        self._held[owner] -= 1
        if not self._held[owner]:
            del self._held[owner]
        while (following := self._next()) is not None:
            turn = self._waiting[following][0]
            self._leave(following, turn)
            self._take(following)
            turn.set_result(None)
        self._forget(owner)

    def _next(self) -> str | None:
        """Whose turn it is, if there is a place for it."""
        entitled = [owner for owner in self._waiting if self._may_take(owner)]
        order = lambda one: (self._held.get(one, 0), self._latest.get(one, 0))  # noqa: E731
        return min(entitled, key=order, default=None)

    def _leave(self, owner: str, turn: "asyncio.Future[None]") -> None:
        self._waiting[owner].remove(turn)
        if not self._waiting[owner]:
            del self._waiting[owner]
        self._forget(owner)

    def _forget(self, owner: str) -> None:
        if owner not in self._held and owner not in self._waiting:
            self._latest.pop(owner, None)


_Pools = dict[Pool, FairPool]
_pools: WeakKeyDictionary[asyncio.AbstractEventLoop, _Pools] = WeakKeyDictionary()


def pool(name: Pool) -> FairPool:
    """The pool of this name in the running event loop."""
    pools = _pools.setdefault(asyncio.get_running_loop(), {})
    if name not in pools:
        pools[name] = FairPool(PLACES[name], GUESTS[name])
    return pools[name]


def most(name: Pool) -> int:
    """How many places of a pool may be held at once."""
    return PLACES[name] + GUESTS[name]

"""Processes of one machine that take work over from each other, through sockets in the data directory.

Who takes work over listens at `<data>/near/<name>.sock`, which only this user's processes can reach. A frame is
eight bytes, the length of its data and a number, then the data; an answer has the number of its question. Number 0
is a sign of life: who listens gives one every half second, so that a process that hangs is told from one that works.
"""

import asyncio
import contextlib
import logging
import socket
import struct
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import cast

_log = logging.getLogger(__name__)

Answer = Callable[[bytes], Awaitable[bytes]]
"""Does what a peer asks, and says what came of it; b"" for "do it yourself"."""

LOOK_S = 1.0
"""How often a process looks for new peers."""

SIGN_S = 0.5
SILENT_S = 2.0
"""A peer that gave no sign of life for so long is given up."""

LEAVE_S = 1.0
"""How long work that was taken over may go on when its process ends."""

_HEAD = struct.Struct(">II")
_MAX_PATH = 100
"""A socket's path may have about so many bytes."""


def place_of(data: Path) -> Path:
    """Where the sockets of a data directory are."""
    return data / "near"


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()


class _Frames(asyncio.Protocol, ABC):
    """One end of a connection."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._read = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(
            asyncio.Transport, transport
        )  # the web process's loop has its own class

    def data_received(self, data: bytes) -> None:
        read = self._read
        read += data
        at = 0
        while len(read) - at >= _HEAD.size:
            length, number = _HEAD.unpack_from(read, at)
            end = at + _HEAD.size + length
            if len(read) < end:
                break
            self.taken(number, bytes(read[at + _HEAD.size : end]))
            at = end
        del read[:at]

    @abstractmethod
    def taken(self, number: int, data: bytes) -> None:
        """A frame has come."""

    def send(self, number: int, data: bytes = b"") -> None:
        """Send a frame, if the connection is still there."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(_HEAD.pack(len(data), number) + data)

    def leave(self) -> None:
        """End the connection."""
        if self._transport is not None:
            self._transport.close()


class _Asked(_Frames):
    """The end that takes work over."""

    def __init__(self, listener: "Listener") -> None:
        super().__init__()
        self._listener = listener

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._listener.connections.add(self)
        self.send(0)

    def connection_lost(self, _: Exception | None) -> None:
        self._listener.connections.discard(self)  # what was begun goes on

    def taken(self, number: int, data: bytes) -> None:
        self._listener.begin(self, number, data)


class Listener:
    """Takes work over from peers. Use `listen` to get one."""

    def __init__(self, path: Path, answer: Answer) -> None:
        self.connections: set[_Asked] = set()
        self._path = path
        self._answer = answer
        self._at_work: set[asyncio.Task[None]] = set()
        self._closing = False
        self._server: asyncio.AbstractServer | None = None
        self._signs: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Listen from now on."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        early = self._path.with_suffix(".new")
        _remove(early)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(lambda: _Asked(self), str(early))
        early.chmod(0o600)
        early.rename(
            self._path
        )  # found only now that it answers; an earlier process had the same number, perhaps
        self._signs = asyncio.create_task(self._give_signs(), name="signs of life to peers")

    async def _give_signs(self) -> None:
        while True:
            await asyncio.sleep(SIGN_S)
            for connection in self.connections:
                connection.send(0)

    def begin(self, asked: _Asked, number: int, data: bytes) -> None:
        """Do what is asked in the background, and answer."""
        if self._closing:
            asked.send(number)
            return
        task = asyncio.create_task(self._work(asked, number, data))
        self._at_work.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._at_work.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:  # who asked does it instead, and says what is wrong
            _log.error("what a peer asked for failed here", exc_info=error)

    async def _work(self, asked: _Asked, number: int, data: bytes) -> None:
        answer = b""
        try:
            answer = await self._answer(data)
        finally:
            asked.send(number, answer)

    async def close(self) -> None:
        """Refuse what comes now, let what is at work end for a moment, then leave."""
        self._closing = True
        _remove(self._path)
        if self._signs is not None:
            self._signs.cancel()
        if self._server is not None:
            self._server.close()
        if self._at_work:
            await asyncio.wait(self._at_work, timeout=LEAVE_S)
        for connection in tuple(self.connections):
            connection.leave()


async def listen(data: Path, name: str, answer: Answer) -> Listener | None:
    """Take work over from the other processes of a data directory; None where no socket can be made."""
    path = place_of(data) / f"{name}.sock"
    if not hasattr(socket, "AF_UNIX") or len(str(path).encode()) > _MAX_PATH:
        return None
    listener = Listener(path, answer)
    try:
        await listener.open()
    except OSError as error:  # a file system without sockets, say
        _log.warning("no work is taken over here", extra={"error": str(error)})
        return None
    return listener


class Peer(_Frames):
    """A process that takes work over, as another one sees it."""

    def __init__(self) -> None:
        super().__init__()
        self._asked: dict[int, asyncio.Future[bytes]] = {}
        self._next = 1
        self._heard_at = asyncio.get_running_loop().time()
        self.gone = False

    @property
    def in_flight(self) -> int:
        """How much of what it was asked for it is still working on."""
        return len(self._asked)

    async def ask(self, data: bytes) -> bytes:
        """Ask for something to be done. b"" when it was refused, or nobody knows what became of it."""
        if self.gone:
            return b""
        number, self._next = self._next, self._next + 1
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._asked[number] = answer
        self.send(number, data)
        try:
            return await answer
        finally:
            self._asked.pop(number, None)

    def taken(self, number: int, data: bytes) -> None:
        """An answer, or a sign of life."""
        self._heard_at = asyncio.get_running_loop().time()
        answer = self._asked.get(number)
        if answer is not None and not answer.done():
            answer.set_result(data)

    def connection_lost(self, _: Exception | None) -> None:
        """The process ended, or was given up."""
        self.give_up()

    def look(self) -> None:
        """Give it up if it has been silent for too long."""
        if asyncio.get_running_loop().time() - self._heard_at > SILENT_S:
            self.give_up()

    def give_up(self) -> None:
        """Expect nothing more of it."""
        self.gone = True
        for answer in self._asked.values():
            if not answer.done():
                answer.set_result(b"")
        self.leave()


class Peers:
    """The processes of this machine that take work over from this one."""

    def __init__(self, data: Path, host: str) -> None:
        self._place = place_of(data)
        self._names = f"{host}-*.sock"
        self._known: dict[Path, Peer] = {}
        self._looking: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Look for peers from now on."""
        self._looking = asyncio.create_task(self._look_around(), name="looking for peers")

    async def close(self) -> None:
        """Ask nobody any more."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)
        for peer in self._known.values():
            peer.give_up()

    def less_busy_than(self, in_flight: int) -> Peer | None:
        """The peer with the least work from this process, if that is less than what is in flight here."""
        there = (one for one in self._known.values() if not one.gone)
        least = min(there, key=lambda one: one.in_flight, default=None)
        return least if least is not None and least.in_flight < in_flight else None

    async def _look_around(self) -> None:
        while True:
            self._known = {path: one for path, one in self._known.items() if not one.gone}
            for path in self._place.glob(self._names):
                if path not in self._known:
                    await self._meet(path)
            for _ in range(round(LOOK_S / SIGN_S)):
                await asyncio.sleep(SIGN_S)
                for peer in self._known.values():
                    peer.look()

    async def _meet(self, path: Path) -> None:
        loop = asyncio.get_running_loop()
        try:
            _, peer = await loop.create_unix_connection(Peer, str(path))
        except ConnectionRefusedError:  # its process was killed
            _remove(path)
        except OSError:
            return
        else:
            self._known[path] = peer

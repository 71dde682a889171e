"""Prepares JSON values for rows: made storable, with large ones moved into blobs."""

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from app.adapters.sql.blobs import BlobRow, blob_row, read_blob, reference
from app.engine.sdk import Json
from app.kernel.jsons import json_of

LIMIT = 65_536
"""Values larger than this (bytes as JSON) are stored in `blob`."""

_PREVIEW = 200
_DEPTH = 3


def storable(value: Json) -> tuple[Json, bytes]:
    """Return the value in a form that both databases can store, and its JSON."""
    data = json_of(value)
    return orjson.loads(data), data


def pack(value: Json, run_id: str, workspace_id: str) -> tuple[Json, list[BlobRow]]:
    """Return the value with large parts replaced by `{"$blob", "size", "preview"}`, and the blob
    rows to store.
    """
    text, blobs = pack_text(value, run_id, workspace_id)
    return orjson.loads(text), blobs


def pack_text(value: Json, run_id: str, workspace_id: str) -> tuple[str, list[BlobRow]]:
    """As `pack`, but the value as JSON text."""
    data: bytes | None = json_of(value)
    assert data is not None
    if len(data) <= LIMIT:
        return data.decode(), []
    if isinstance(value, dict):
        data = (
            None  # its parts are written one by one: a large value is copied no more than it must
        )
    blobs: list[BlobRow] = []
    small = _shrink(value, data, _DEPTH, (run_id, workspace_id, blobs))
    return json_of(small).decode(), blobs


def has_references(value: Json) -> bool:
    """Whether a part of the value was moved into a blob."""
    if isinstance(value, dict):
        return "$blob" in value or any(has_references(item) for item in value.values())
    return isinstance(value, list) and any(has_references(item) for item in value)


async def unpack(
    session: AsyncSession, value: Json, run_id: str, at_most: int | None = None
) -> Json:
    """Return the value with its references resolved; only blobs of the same run count, others stay
    as they are.

    Args:
        at_most: Parts of more bytes than this stay references; None: all are resolved.
    """
    if isinstance(value, list):
        return [await unpack(session, item, run_id, at_most) for item in value]
    if not isinstance(value, dict):
        return value
    blob_id = reference(value)
    if blob_id is None:
        return {key: await unpack(session, item, run_id, at_most) for key, item in value.items()}
    if at_most is not None and value["size"] > at_most:
        return value
    data = await read_blob(session, blob_id, run_id)
    return value if data is None else orjson.loads(data)


def _shrink(
    value: Json, data: bytes | None, depth: int, where: tuple[str, str, list[BlobRow]]
) -> Json:
    """The value with its large parts in blobs. `data` is its JSON; None: it is created here."""
    run_id, workspace_id, blobs = where
    if isinstance(value, dict) and depth:
        inside: list[BlobRow] = []
        within = (run_id, workspace_id, inside)
        small = json_of({key: _part(item, depth - 1, within) for key, item in value.items()})
        if len(small) <= LIMIT:
            blobs += inside
            return orjson.loads(small)
    if data is None:
        data = json_of(value)
    blob = blob_row(data, run_id, workspace_id)
    blobs.append(blob)
    text = (
        orjson.loads(data)
        if isinstance(value, str)
        else data[: _PREVIEW * 4].decode("utf-8", "ignore")
    )
    return {"$blob": blob["id"], "size": len(data), "preview": text[:_PREVIEW]}


def _part(item: Json, depth: int, where: tuple[str, str, list[BlobRow]]) -> Json:
    data = json_of(item)
    return item if len(data) <= LIMIT else _shrink(item, data, depth, where)

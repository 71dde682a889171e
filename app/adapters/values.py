"""JSON values on their way into rows: made storable, and large ones moved into blobs."""

import hashlib
from typing import Any

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from app.engine.sdk import Json
from app.kernel.clock import now
from app.kernel.errors import Defect
from app.kernel.jsons import json_of
from app.models import Blob

LIMIT = 65_536
"""Values larger than this (bytes as JSON) are stored in `blob`."""

_PREVIEW = 200
_DEPTH = 3


def storable(value: Json) -> tuple[Json, bytes]:
    """Return the value as both databases can store it, and its JSON."""
    data = json_of(value)
    return orjson.loads(data), data


def pack(value: Json, run_id: str, workspace_id: str) -> tuple[Json, list[dict[str, Any]]]:
    """Return the value with large parts replaced by `{"$blob", "size", "preview"}`, and the blob
    rows to store.
    """
    text, blobs = pack_text(value, run_id, workspace_id)
    return orjson.loads(text), blobs


def pack_text(value: Json, run_id: str, workspace_id: str) -> tuple[str, list[dict[str, Any]]]:
    """As `pack`, but the value as JSON text."""
    data: bytes | None = json_of(value)
    assert data is not None
    if len(data) <= LIMIT:
        return data.decode(), []
    if isinstance(value, dict):
        data = (
            None  # its parts are written one by one: a large value is in memory as often as it must
        )
    blobs: list[dict[str, Any]] = []
    small = _shrink(value, data, _DEPTH, (run_id, workspace_id, blobs))
    return json_of(small).decode(), blobs


def has_references(value: Json) -> bool:
    """Whether a part of the value was moved into a blob."""
    if isinstance(value, dict):
        return "$blob" in value or any(has_references(item) for item in value.values())
    return isinstance(value, list) and any(has_references(item) for item in value)


async def unpack(session: AsyncSession, value: Json, run_id: str) -> Json:
    """Return the value with its references resolved; only blobs of the same run count, others stay
    as they are.
    """
    if isinstance(value, list):
        return [await unpack(session, item, run_id) for item in value]
    if not isinstance(value, dict):
        return value
    if isinstance(value.get("$blob"), str) and value.keys() == {"$blob", "size", "preview"}:
        blob = await session.get(Blob, value["$blob"])
        if blob is None or blob.run_id != run_id:
            return value
        if hashlib.sha256(blob.data).hexdigest() != blob.sha256:
            raise Defect("A stored value was changed behind our back.", blob_id=blob.id)
        return await unpack(session, orjson.loads(blob.data), run_id)
    return {key: await unpack(session, item, run_id) for key, item in value.items()}


def _shrink(
    value: Json, data: bytes | None, depth: int, where: tuple[str, str, list[dict[str, Any]]]
) -> Json:
    """The value with its large parts in blobs. `data` is its JSON; None: it is to be made."""
    if isinstance(value, dict) and depth:
        value = {key: _part(item, depth - 1, where) for key, item in value.items()}
        data = json_of(value)
        if len(data) <= LIMIT:
            return orjson.loads(data)
    if data is None:
        data = json_of(value)
    run_id, workspace_id, blobs = where
    digest = hashlib.sha256(data).hexdigest()
    # the id follows from run and content, so the same value of a run is stored once
    blob_id = "blb_" + hashlib.sha256(f"{run_id}:{digest}".encode()).hexdigest()[:40]
    blobs.append(
        {
            "id": blob_id,
            "workspace_id": workspace_id,
            "run_id": run_id,
            "sha256": digest,
            "size_bytes": len(data),
            "data": data,
            "created_at": now(),
        }
    )
    text = (
        orjson.loads(data)
        if isinstance(value, str)
        else data[: _PREVIEW * 4].decode("utf-8", "ignore")
    )
    return {"$blob": blob_id, "size": len(data), "preview": text[:_PREVIEW]}


def _part(item: Json, depth: int, where: tuple[str, str, list[dict[str, Any]]]) -> Json:
    data = json_of(item)
    return item if len(data) <= LIMIT else _shrink(item, data, depth, where)

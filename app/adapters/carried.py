"""Values that a run takes over from another one: their large parts come along as blobs of its own."""

import hashlib
from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.adapters.values import has_references
from app.engine.sdk import Json
from app.kernel.clock import now
from app.models import Blob

_MARK = b'"$blob"'


class Carrier:
    """Copies values of one run for another; equal blobs are copied once. One blob is in memory at a
    time.
    """

    def __init__(self, session: AsyncSession, source_run_id: str, run_id: str) -> None:
        self._session = session
        self._source = source_run_id
        self._run_id = run_id
        self._known: dict[str, str | None] = {}

    async def carry(self, value: Json) -> Json:
        """Return the stored value with its references pointing to blobs of the new run.

        Blobs count only when they are the source run's; other references stay what they are: text.
        """
        if not has_references(value):
            return value
        if isinstance(value, list):
            return [await self.carry(item) for item in value]
        if not isinstance(value, dict):
            return value
        if isinstance(value.get("$blob"), str) and value.keys() == {"$blob", "size", "preview"}:
            copied = await self._copy(value["$blob"])
            return value if copied is None else {**value, "$blob": copied}
        return {key: await self.carry(item) for key, item in value.items()}

    async def _copy(self, blob_id: str) -> str | None:
        if blob_id not in self._known:
            self._known[blob_id] = await self._store(blob_id)
        return self._known[blob_id]

    async def _store(self, blob_id: str) -> str | None:
        blob = await self._session.get(Blob, blob_id)
        if blob is None or blob.run_id != self._source:
            return None
        data, workspace_id = blob.data, blob.workspace_id
        self._session.expunge(blob)
        if _MARK in data:
            data = orjson.dumps(await self.carry(orjson.loads(data)))
        row = _row(data, self._run_id, workspace_id)
        await put_blobs(self._session, [row])
        return str(row["id"])


async def put_blobs(session: AsyncSession, blobs: Sequence[dict[str, Any]]) -> None:
    """Store the blobs that `values.pack` made; one that is there already is the same."""
    for blob in blobs:
        same = select(col(Blob.id)).where(col(Blob.id) == blob["id"])
        if await session.scalar(same) is None:
            await session.execute(insert(Blob).values(blob))


def _row(data: bytes, run_id: str, workspace_id: str) -> dict[str, Any]:
    digest = hashlib.sha256(data).hexdigest()
    return {
        "id": "blb_" + hashlib.sha256(f"{run_id}:{digest}".encode()).hexdigest()[:40],
        "workspace_id": workspace_id,
        "run_id": run_id,
        "sha256": digest,
        "size_bytes": len(data),
        "data": data,
        "created_at": now(),
    }

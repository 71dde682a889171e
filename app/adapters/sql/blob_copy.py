"""Values that a run takes over from another one: their large parts are copied as its own blobs."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.adapters.sql.blobs import copy_blob, reference
from app.adapters.sql.values import has_references
from app.engine.sdk import Json


class Carrier:
    """Copies values of one run for another; equal blobs are copied once."""

    def __init__(self, session: AsyncSession, source_run_id: str, run_id: str) -> None:
        self._session = session
        self._source = source_run_id
        self._run_id = run_id
        self._known: dict[str, str | None] = {}

    async def carry(self, value: Json) -> Json:
        """Return the stored value with its references pointing to blobs of the new run.

        Only blobs of the source run count; other references stay what they are: text.
        """
        if not has_references(value):
            return value
        if isinstance(value, list):
            return [await self.carry(item) for item in value]
        if not isinstance(value, dict):
            return value
        blob_id = reference(value)
        if blob_id is None:
            return {key: await self.carry(item) for key, item in value.items()}
        if blob_id not in self._known:
            copied = await copy_blob(self._session, blob_id, self._source, self._run_id)
            self._known[blob_id] = copied
        copied = self._known[blob_id]
        return value if copied is None else {**value, "$blob": copied}

"""Serving the values that references in runs stand for."""

from collections.abc import AsyncIterator

from sqlmodel import col

from app.adapters.sql.blobs import Part, checked_parts
from app.kernel.errors import NotFound
from app.models import Blob
from app.services.access import Actor, Permission, require, scoped
from app.services.app_context import AppContext


async def read_value(app: AppContext, actor: Actor, value_id: str) -> AsyncIterator[bytes]:
    """Yield the JSON of a value that a run or its steps refer to, in pieces of at most 1 MB.

    No transaction stays open between pieces: the reader may be slow.

    Raises:
        NotFound: There is no such value, or it belongs to another workspace.
    """
    require(actor, Permission.RUN_READ)
    of_it = scoped(Blob, actor).where(col(Blob.id) == value_id)
    wanted = of_it.with_only_columns(col(Blob.data), col(Blob.size_bytes), col(Blob.sha256))

    async def read(number: int) -> Part | None:
        async with app.database.read() as uow:
            found = await uow.session.execute(wanted.where(col(Blob.part) == number))
            row = found.one_or_none()
        return None if row is None else Part(*row)

    there = False
    async for data in checked_parts(read):
        there = True
        yield data
    if not there:
        raise NotFound("There is no such value; it went with its run, or never was.")

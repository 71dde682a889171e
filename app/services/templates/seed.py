"""Load the gallery's files into the database, by id."""

import contextlib
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.adapters.sql.database import UnitOfWork
from app.engine.graph.document import parse_graph
from app.kernel.clock import now
from app.models import Template

LIBRARY = Path(__file__).parent / "library"


class TemplateFile(BaseModel):
    """A file of the library."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[a-z][a-z0-9-]{1,59}$")
    title: str = Field(min_length=1, max_length=200)
    summary: str = Field(min_length=1)
    description: str = ""
    category: str = Field(min_length=1, max_length=40)
    needs: tuple[str, ...] = ()
    example_input: Any = None
    graph: dict[str, Any]
    position: int = 0


@lru_cache
def read_library(directory: Path = LIBRARY) -> tuple[TemplateFile, ...]:
    """Read the built-in templates.

    Raises:
        ValueError: A file is not a template.
        GraphInvalid: Its graph is broken.
    """
    files = [
        TemplateFile.model_validate(orjson.loads(path.read_bytes()))
        for path in sorted(directory.glob("*.json"))
    ]
    return tuple(
        file.model_copy(update={"graph": parse_graph(file.graph).as_json()}) for file in files
    )


async def seed_templates(uow: UnitOfWork, directory: Path = LIBRARY) -> int:
    """Add new built-in templates and refresh changed ones; how often each was used is kept.

    Returns:
        How many were added or changed.
    """
    rows = {row.id: row for row in await uow.session.scalars(select(Template))}
    changed = 0
    for file in read_library(directory):
        fields = file.model_dump(mode="json", exclude={"id"})
        row = rows.get(file.id)
        if row is None:
            with contextlib.suppress(IntegrityError):  # another process seeds at the same moment
                async with uow.session.begin_nested():
                    uow.session.add(Template(id=file.id, updated_at=now(), **fields))
        elif any(getattr(row, name) != value for name, value in fields.items()):
            for name, value in fields.items():
                setattr(row, name, value)
            row.updated_at = now()
        else:
            continue
        changed += 1
    await uow.session.flush()
    return changed

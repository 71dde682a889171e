"""Templates of the gallery."""

from datetime import datetime
from typing import Any

from sqlmodel import Field, SQLModel

from app.models.types import json_column, moment


class Template(SQLModel, table=True):
    """A ready workflow. Built-in ones are refreshed from their files at start, by id."""

    __tablename__ = "template"

    id: str = Field(primary_key=True, max_length=60)
    title: str = Field(max_length=200)
    summary: str
    description: str
    category: str = Field(max_length=40)
    needs: list[str] = json_column(nullable=False)
    graph: dict[str, Any] = json_column(nullable=False)
    example_input: Any = json_column()
    position: int = 0
    uses: int = 0
    updated_at: datetime = moment()

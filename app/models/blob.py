"""Large values, stored in parts."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from app.models.types import moment


class Blob(SQLModel, table=True):
    """A part of a large value's JSON; rows hold `{"$blob": id, "size": bytes, "preview": …}` instead.

    `sha256` and `size_bytes` are those of the whole value.
    """

    __tablename__ = "blob"

    id: str = Field(primary_key=True)
    part: int = Field(default=0, primary_key=True, sa_column_kwargs={"server_default": "0"})
    workspace_id: str = Field(foreign_key="workspace.id", index=True, ondelete="CASCADE")
    run_id: str | None = Field(default=None, foreign_key="run.id", index=True, ondelete="CASCADE")
    sha256: str = Field(max_length=64)
    size_bytes: int
    data: bytes
    created_at: datetime = moment()

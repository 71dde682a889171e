"""Folders of workflows."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from app.models.types import moment


class Project(SQLModel, table=True):
    """A folder of workflows in a workspace."""

    __tablename__ = "project"

    id: str = Field(primary_key=True)
    workspace_id: str = Field(foreign_key="workspace.id", index=True, ondelete="CASCADE")
    name: str = Field(max_length=200)
    created_at: datetime = moment()

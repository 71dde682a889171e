"""The ledger of model calls."""

from datetime import datetime

from sqlalchemy import BigInteger, false
from sqlmodel import Field, SQLModel

from app.models.types import moment


class LlmCall(SQLModel, table=True):
    """The ledger of model calls; `cost_microusd` null means unpriced.

    `is_estimated`: the server reported no usage, so the tokens were counted here.
    """

    __tablename__ = "llm_call"

    id: str = Field(primary_key=True)
    workspace_id: str = Field(foreign_key="workspace.id", index=True, ondelete="CASCADE")
    run_id: str = Field(foreign_key="run.id", index=True, ondelete="CASCADE")
    step_path: str
    span_id: str
    provider: str
    model: str
    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0
    cost_microusd: int | None = Field(default=None, sa_type=BigInteger)
    duration_ms: int = 0
    at: datetime = moment()
    is_estimated: bool = Field(default=False, sa_column_kwargs={"server_default": false()})

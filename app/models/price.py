"""Prices of models that the price table does not know, set by an administrator of the installation."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from app.models.types import moment


class ModelPrice(SQLModel, table=True):
    """Dollars for a million tokens of a model, such as `compatible/llama-3`; it goes before the price table."""

    __tablename__ = "model_price"

    model: str = Field(primary_key=True, max_length=200)
    input_usd_per_mtok: float
    output_usd_per_mtok: float
    updated_at: datetime = moment()
    updated_by: str

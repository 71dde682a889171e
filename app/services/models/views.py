"""What callers see of models and their downloads."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict


class _View(BaseModel):
    model_config = ConfigDict(frozen=True)


class ModelView(_View):
    """An entry of the model picker.

    Args:
        ref: What is stored in graphs: `provider/name`.
        local: It runs on this machine: nothing leaves it, and it costs nothing.
        demo: Its judgement is unreliable; the page says "demo model".
        default: The one used when a node names none.
        how: What to do so that it becomes available; empty when it is.
        pull: Name to download it by; None when it cannot be downloaded here.
        price: Whether it is free, its price is known or set by hand, or nobody knows it: then a run with a limit on
            money refuses it.
    """

    ref: str
    title: str
    provider: str
    local: bool
    demo: bool
    available: bool
    default: bool
    note: str
    how: str = ""
    pull: str | None = None
    size_bytes: int | None = None
    price: Literal["free", "known", "set", "unknown"] = "unknown"
    input_usd_per_mtok: float | None = None
    output_usd_per_mtok: float | None = None


class PriceView(_View):
    """A price that was set: dollars per million input tokens, and per million output tokens."""

    model: str
    input_usd_per_mtok: float
    output_usd_per_mtok: float
    updated_at: datetime


class PullView(_View):
    """A download of a model; `done_bytes` counts towards `total_bytes`."""

    name: str
    title: str
    status: Literal["running", "done", "failed", "canceled"]
    done_bytes: int
    total_bytes: int
    message: str
    at: datetime

    @property
    def percent(self) -> int:
        """Progress, 0 to 100."""
        return 100 * self.done_bytes // self.total_bytes if self.total_bytes else 0

"""What models cost: prices set by hand, and the table of known ones."""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import select

from app.adapters.sql.database import Database
from app.kernel.errors import StorageDown
from app.models import ModelPrice

_FRESH_S = 5.0
FREE = ("local", "ollama")
"""Providers whose models run here and cost nothing."""

ReadPrices = Callable[[], Awaitable[Mapping[str, "Price"]]]


@dataclass(frozen=True)
class Price:
    """Dollars for a million tokens, which is micro-dollars for one.

    Args:
        origin: Free because it runs here, known from the table, or set by hand.
    """

    input_usd: float
    output_usd: float
    origin: Literal["free", "known", "set"] = "set"


async def read_prices(database: Database) -> Mapping[str, Price]:
    """The prices set by hand, by `provider/name`."""
    async with database.read() as uow:
        rows = (await uow.session.execute(select(ModelPrice))).scalars()
        return {row.model: Price(row.input_usd_per_mtok, row.output_usd_per_mtok) for row in rows}


class Prices:
    """Prices of a process's model calls; those set by hand are read again now and then.

    Args:
        read: How to read those set by hand; without it there are none.
    """

    def __init__(self, read: ReadPrices | None = None) -> None:
        self._read = read
        self._set: Mapping[str, Price] = {}
        self._read_at = float("-inf")

    async def refresh(self) -> None:
        """Read the prices set by hand, unless that was done a moment ago.

        Raises:
            StorageDown: The database does not answer, and never has.
        """
        if self._read is None or time.monotonic() - self._read_at < _FRESH_S:
            return
        try:
            self._set = await self._read()
        except StorageDown:
            if self._read_at == float("-inf"):
                raise
        self._read_at = time.monotonic()

    def forget(self) -> None:
        """Read again before the next use."""
        self._read_at = min(self._read_at, time.monotonic() - _FRESH_S)

    def of(self, provider: str, model: str) -> Price | None:
        """The price of a model, for short questions where the table has steps; None when nobody knows it."""
        if provider in FREE:
            return Price(0, 0, "free")
        if found := self._set.get(f"{provider}/{model}"):
            return found
        asked, answered = (_known(provider, model, *tokens) for tokens in ((1_000, 0), (0, 1_000)))
        if asked is None or answered is None:
            return None
        return Price(asked / 1_000, answered / 1_000, "known")

    def cost_microusd(
        self, provider: str, model: str, input_tokens: int, output_tokens: int, cached_tokens: int
    ) -> int | None:
        """Price of a call in millionths of a dollar; None when unknown, 0 for local models."""
        if provider in FREE:
            return 0
        if found := self._set.get(f"{provider}/{model}"):
            return round(input_tokens * found.input_usd + output_tokens * found.output_usd)
        cost = _known(provider, model, input_tokens, output_tokens, cached_tokens)
        return None if cost is None else round(cost)


def _known(
    provider: str, model: str, input_tokens: int, output_tokens: int, cached_tokens: int = 0
) -> float | None:
    """Price of a call by the table, in millionths of a dollar."""
    from genai_prices import Usage, calc_price  # noqa: PLC0415 - 0.2 s, and not for local models

    usage = Usage(
        input_tokens=input_tokens, output_tokens=output_tokens, cache_read_tokens=cached_tokens
    )
    try:
        price = calc_price(usage, model_ref=model, provider_id=provider)
    except LookupError:
        return None
    return float(price.total_price) * 1_000_000

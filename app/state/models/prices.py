"""Prices of models that an administrator of the installation sets."""

from dataclasses import dataclass
from typing import Any

import reflex as rx

from app.kernel.errors import InvalidInput
from app.services.app_context import current_app
from app.services.models.prices import list_prices, remove_price, set_price
from app.services.models.views import PriceView
from app.state.identity import actor
from app.state.models.list import ModelsState, price_words
from app.state.socket.lanes import reading
from app.state.socket.said import Said


@dataclass(frozen=True)
class PriceRow:
    """A price as its line shows it."""

    model: str
    words: str


def price_row(view: PriceView) -> PriceRow:
    """Turn a price into its line."""
    return PriceRow(view.model, price_words(view.input_usd_per_mtok, view.output_usd_per_mtok))


class PricesState(rx.State):
    """The prices that were set, and the form that sets one; only `may_set` sees it."""

    rows: list[PriceRow] = []
    may_set: bool = False
    error: str = ""

    @rx.event
    @reading
    async def load(self) -> None:
        """Read the prices that were set."""
        acting = await actor(self)
        self.may_set = acting.is_installation_admin
        async with current_app().database.read() as uow:
            self.rows = [price_row(one) for one in await list_prices(uow, acting)]

    @rx.event
    async def save(self, form: dict[str, Any]) -> Said:
        """Set the price that was entered; what will not do stays to be mended."""
        acting = await actor(self)
        try:
            dollars = _number(form.get("input")), _number(form.get("output"))
            async with current_app().database.work() as uow:
                model = str(form.get("model", ""))
                set_ = await set_price(uow, current_app().models, acting, model, dollars)
        except InvalidInput as error:
            self.error = error.message
            return None
        self.error = ""
        return [rx.toast.success(f"{set_.model} has a price."), PricesState.load, ModelsState.load]

    @rx.event
    async def remove(self, model: str) -> Said:
        """Take a price away again."""
        acting = await actor(self)
        async with current_app().database.work() as uow:
            await remove_price(uow, current_app().models, acting, model)
        return [PricesState.load, ModelsState.load]


def _number(text: object) -> float:
    """Read an amount of dollars.

    Raises:
        InvalidInput: It is none.
    """
    try:
        return float(str(text).strip().removeprefix("$").replace(",", "."))
    except ValueError as error:
        raise InvalidInput(
            f"'{text}' is no amount of dollars. Write it like 0.15.", field="price"
        ) from error

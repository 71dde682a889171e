"""Prices of models that are unknown or differ, set for the whole installation."""

from collections.abc import Awaitable, Callable

from sqlalchemy import select
from sqlmodel import col

from app.adapters.models.prices import FREE
from app.adapters.models.registry import ModelRegistry
from app.adapters.sql.database import UnitOfWork
from app.kernel.clock import now
from app.kernel.errors import InvalidInput, NotFound
from app.models import ModelPrice
from app.services import audit
from app.services.access import Actor, Permission, require
from app.services.models.views import PriceView

LARGEST_USD = 100_000.0
_PRICED = ("openai", "anthropic", "compatible")


async def list_prices(uow: UnitOfWork, actor: Actor) -> list[PriceView]:
    """Return the prices that were set, by model name."""
    require(actor, Permission.MODEL_READ)
    query = select(ModelPrice).order_by(col(ModelPrice.model))
    return [_view(row) for row in (await uow.session.execute(query)).scalars()]


async def set_price(
    uow: UnitOfWork,
    models: ModelRegistry,
    actor: Actor,
    model: str,
    dollars: tuple[float, float],
) -> PriceView:
    """Set what a million tokens of a model cost; other processes follow within seconds.

    Args:
        model: `provider/name`, as graphs name it.
        dollars: Per million input tokens, and per million output tokens.

    Raises:
        Denied: The actor does not administer the installation.
        InvalidInput: The name is not of a model that can have a price, or the price is not valid.
    """
    require(actor, Permission.MODEL_MANAGE)
    name = _model(model)
    asked, answered = (_dollars(value) for value in dollars)
    row = await uow.session.get(ModelPrice, name)
    if row is None:
        row = ModelPrice(
            model=name, input_usd_per_mtok=0, output_usd_per_mtok=0, updated_at=now(), updated_by=""
        )
        uow.session.add(row)
    row.input_usd_per_mtok, row.output_usd_per_mtok = asked, answered
    row.updated_at, row.updated_by = now(), actor.user_id
    audit.record(uow, actor, "model.price", name, input_usd=str(asked), output_usd=str(answered))
    uow.after_commit(_forget(models))
    return _view(row)


async def remove_price(uow: UnitOfWork, models: ModelRegistry, actor: Actor, model: str) -> None:
    """Remove a price; the price table's applies again.

    Raises:
        Denied: The actor does not administer the installation.
        NotFound: None is set for the model.
    """
    require(actor, Permission.MODEL_MANAGE)
    row = await uow.session.get(ModelPrice, model)
    if row is None:
        raise NotFound(f"No price is set for '{model[:200]}'.")
    await uow.session.delete(row)
    audit.record(uow, actor, "model.price_removed", model)
    uow.after_commit(_forget(models))


def _forget(models: ModelRegistry) -> Callable[[], Awaitable[None]]:
    async def forget() -> None:
        models.prices.forget()

    return forget


def _model(model: str) -> str:
    """The name as it is stored.

    Raises:
        InvalidInput: It names no model, or one that costs nothing.
    """
    provider, _, name = model.strip().partition("/")
    if provider in FREE:
        raise InvalidInput(
            f"'{model[:200]}' runs on this machine and costs nothing.", field="model"
        )
    if provider not in _PRICED or not name.strip() or len(model) > 200:
        raise InvalidInput(
            f"'{model[:200]}' names no model. Write provider/name, such as compatible/llama-3; "
            f"providers with prices are {', '.join(_PRICED)}.",
            field="model",
        )
    return f"{provider}/{name.strip()}"


def _dollars(value: float) -> float:
    """A price.

    Raises:
        InvalidInput: It is negative, too large or not a number.
    """
    if not 0 <= value <= LARGEST_USD:
        raise InvalidInput(
            f"A price is 0 to {LARGEST_USD:,.0f} dollars for a million tokens.", field="price"
        )
    return float(value)


def _view(row: ModelPrice) -> PriceView:
    return PriceView(
        model=row.model,
        input_usd_per_mtok=row.input_usd_per_mtok,
        output_usd_per_mtok=row.output_usd_per_mtok,
        updated_at=row.updated_at,
    )

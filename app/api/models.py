"""Models: listing them, and downloading the local ones."""

from typing import Annotated

from fastapi import Query
from pydantic import Field

from app.api.http.bodies import Body, router
from app.api.http.deps import Id, Signed
from app.services.app_context import current_app
from app.services.models import commands, prices, queries
from app.services.models.views import ModelView, PriceView, PullView
from app.services.page import Page

models = router("/models", "models")


class PriceBody(Body):
    """Dollars per million input tokens, and per million output tokens."""

    model: str = Field(
        max_length=200,
        description="As graphs name it: `provider/name`.",
        examples=["compatible/llama-3"],
    )
    input_usd_per_mtok: float = Field(
        ge=0, le=prices.LARGEST_USD, description="For tokens of questions.", examples=[0.15]
    )
    output_usd_per_mtok: float = Field(
        ge=0, le=prices.LARGEST_USD, description="For tokens of answers.", examples=[0.6]
    )


@models.get("")
async def list_models(who: Signed) -> Page[ModelView]:
    """The models a node may use, and what to do for those that are not ready."""
    return Page(items=await queries.list_models(current_app().models, who))


@models.get("/pulls")
async def list_pulls(who: Signed) -> Page[PullView]:
    """Downloads in progress, and how the last ones ended."""
    return Page(items=await queries.pulls(current_app().models, who))


@models.get("/prices")
async def list_prices(who: Signed) -> Page[PriceView]:
    """Prices that were set by hand; they take precedence over the price table."""
    async with current_app().database.read() as uow:
        return Page(items=await prices.list_prices(uow, who))


@models.put("/prices")
async def set_price(body: PriceBody, who: Signed) -> PriceView:
    """Set the price of a model, for all workspaces; only for administrators of the installation."""
    async with current_app().database.work() as uow:
        dollars = body.input_usd_per_mtok, body.output_usd_per_mtok
        return await prices.set_price(uow, current_app().models, who, body.model, dollars)


@models.delete("/prices", status_code=204)
async def remove_price(
    model: Annotated[str, Query(max_length=200, description="As graphs name it.")], who: Signed
) -> None:
    """Remove a price; only for administrators of the installation."""
    async with current_app().database.work() as uow:
        await prices.remove_price(uow, current_app().models, who, model)


@models.post("/{name}/pull", status_code=202)
async def pull_model(name: Id, who: Signed) -> PullView:
    """Begin to download a model; a download in progress is left alone."""
    return await commands.start_pull(current_app().models, who, name)


@models.delete("/{name}/pull", status_code=204)
async def cancel_pull(name: Id, who: Signed) -> None:
    """Stop a download; a later one resumes where it stopped."""
    await commands.cancel_pull(current_app().models, who, name)

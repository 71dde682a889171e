"""Prices set by hand: who may, what they must be, and that model calls follow them."""

import pytest

from app.adapters.models.prices import Price, Prices, read_prices
from app.adapters.models.registry import ModelRegistry
from app.adapters.sql.database import Database
from app.kernel.errors import Denied, InvalidInput, NotFound, StorageDown
from app.kernel.settings import Settings
from app.services.access import Actor
from app.services.models.prices import list_prices, remove_price, set_price
from tests.services.people import person

MODEL = "compatible/llama-3"


async def administrator(database: Database) -> Actor:
    """Somebody who administers the installation: the first account does."""
    actor = await person(database, "Grace")
    assert actor.is_installation_admin
    return actor


@pytest.fixture
def registry(database: Database, tmp_path) -> ModelRegistry:
    return ModelRegistry(Settings(data_dir=tmp_path), prices=Prices(lambda: read_prices(database)))


async def test_a_price_that_is_set_holds_for_the_next_call(database, registry) -> None:
    actor = await administrator(database)
    await registry.prices.refresh()
    assert registry.cost_microusd("compatible", "llama-3", 1_000, 10, 0) is None
    async with database.work() as uow:
        await set_price(uow, registry, actor, f" {MODEL} ", (0.5, 2))
    await registry.prices.refresh()
    assert registry.cost_microusd("compatible", "llama-3", 1_000, 10, 0) == 520
    async with database.work() as uow:
        await set_price(uow, registry, actor, MODEL, (1, 2))
        (one,) = await list_prices(uow, actor)
    assert (one.model, one.input_usd_per_mtok, one.output_usd_per_mtok) == (MODEL, 1, 2)
    async with database.work() as uow:
        await remove_price(uow, registry, actor, MODEL)
    await registry.prices.refresh()
    assert registry.cost_microusd("compatible", "llama-3", 1_000, 10, 0) is None


async def test_a_price_that_is_set_goes_before_a_known_one(database, registry) -> None:
    actor = await administrator(database)
    known = registry.prices.of("openai", "gpt-4o-mini")
    assert known
    assert (known.input_usd, known.output_usd, known.origin) == (0.15, 0.6, "known")
    async with database.work() as uow:
        await set_price(uow, registry, actor, "openai/gpt-4o-mini", (9, 9))
    await registry.prices.refresh()
    assert registry.prices.of("openai", "gpt-4o-mini") == Price(9, 9, "set")
    assert registry.cost_microusd("openai", "gpt-4o-mini", 1, 1, 0) == 18


async def test_only_an_administrator_of_the_installation_sets_prices(database, registry) -> None:
    await administrator(database)
    owner = await person(database, "Ada")
    assert owner.role == "owner"
    async with database.work() as uow:
        with pytest.raises(Denied, match="whole installation"):
            await set_price(uow, registry, owner, MODEL, (1, 1))
        with pytest.raises(Denied):
            await remove_price(uow, registry, owner, MODEL)
        assert await list_prices(uow, owner) == []


@pytest.mark.parametrize(
    ("model", "dollars"),
    [
        ("llama-3", (1, 1)), ("compatible/", (1, 1)), ("nobody/x", (1, 1)), ("", (1, 1)),
        ("ollama/llama-3", (1, 1)), ("local/qwen", (1, 1)), ("compatible/" + "x" * 200, (1, 1)),
        (MODEL, (-1, 1)), (MODEL, (1, 100_001)), (MODEL, (float("nan"), 1)), (MODEL, (1, float("inf"))),
    ],
)  # fmt: skip
async def test_what_is_no_price_is_refused(database, registry, model, dollars) -> None:
    actor = await administrator(database)
    async with database.work() as uow:
        with pytest.raises(InvalidInput):
            await set_price(uow, registry, actor, model, dollars)


async def test_a_price_that_is_not_set_cannot_be_removed(database, registry) -> None:
    actor = await administrator(database)
    async with database.work() as uow:
        with pytest.raises(NotFound):
            await remove_price(uow, registry, actor, MODEL)


async def test_models_of_this_machine_are_free(registry) -> None:
    for provider in ("local", "ollama"):
        assert registry.cost_microusd(provider, "x", 1_000, 1_000, 0) == 0
        assert registry.prices.of(provider, "x") == Price(0, 0, "free")


async def test_prices_last_while_the_database_is_away() -> None:
    answers = [{MODEL: Price(1, 1)}, StorageDown("away")]

    async def read():
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    prices = Prices(read)
    await prices.refresh()
    prices.forget()
    await prices.refresh()
    assert answers == []
    assert prices.of("compatible", "llama-3") == Price(1, 1, "set")
    answers.append(StorageDown("away"))
    with pytest.raises(StorageDown):
        await Prices(read).refresh()

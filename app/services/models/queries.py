"""Read models and their downloads."""

from app.adapters.models.prices import Price
from app.adapters.models.registry import ModelRegistry
from app.adapters.models.weights import Pull, pinned
from app.engine.providers.base import ModelInfo
from app.kernel.errors import ModelMissing
from app.services.access import Actor, Permission, require
from app.services.models.views import ModelView, PullView


async def list_models(
    models: ModelRegistry, actor: Actor, *, refresh: bool = False
) -> list[ModelView]:
    """Return the entries of the model picker; `refresh` queries Ollama and other servers again."""
    require(actor, Permission.MODEL_READ)
    if refresh:
        models.refresh()
    try:
        default = await models.default_ref()
    except ModelMissing:
        default = ""
    await models.prices.refresh()
    infos = await models.list()
    return [_model_view(one, default, models.prices.of(one.provider, one.name)) for one in infos]


async def pulls(models: ModelRegistry, actor: Actor) -> list[PullView]:
    """Return downloads in progress, in whatever process, and how the last ones ended."""
    require(actor, Permission.MODEL_READ)
    return [pull_view(models, pull) for pull in models.store.pulls()]


def pull_view(models: ModelRegistry, pull: Pull) -> PullView:
    """Turn a download into what callers see."""
    return PullView(
        name=pull.name,
        title=pinned(pull.name, models.store.known).title,
        status=pull.status,
        done_bytes=pull.done_bytes,
        total_bytes=pull.total_bytes,
        message=pull.message,
        at=pull.at,
    )


def _model_view(info: ModelInfo, default: str, price: Price | None) -> ModelView:
    pull = info.details.get("pull")
    return ModelView(
        ref=info.ref,
        title=info.title,
        provider=info.provider,
        local=info.local,
        demo=info.demo,
        available=info.available,
        default=info.ref == default,
        note=info.note,
        how="" if info.available else _how(info),
        pull=pull,
        size_bytes=info.details.get("size_bytes"),
        price=price.origin if price else "unknown",
        input_usd_per_mtok=price.input_usd if price else None,
        output_usd_per_mtok=price.output_usd if price else None,
    )


def _how(info: ModelInfo) -> str:
    pull = info.details.get("pull")
    return (
        f"Download it here, or run: .venv/bin/python -m app.cli models pull {pull}"
        if pull
        else info.note
    )

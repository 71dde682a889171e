"""Models: which there are, and downloading the local ones."""

from app.api.bodies import router
from app.api.deps import Id, Signed
from app.services.models import commands, queries
from app.services.models.views import ModelView, PullView
from app.services.page import Page
from app.services.runtime import runtime

models = router("/models", "models")


@models.get("")
async def list_models(who: Signed) -> Page[ModelView]:
    """The models a node may use, and what to do for those that are not ready."""
    return Page(items=await queries.list_models(runtime().models, who))


@models.get("/pulls")
async def list_pulls(who: Signed) -> Page[PullView]:
    """Downloads that run, and how the last ones ended."""
    return Page(items=await queries.pulls(runtime().models, who))


@models.post("/{name}/pull", status_code=202)
async def pull_model(name: Id, who: Signed) -> PullView:
    """Begin to download a model; one that is under way is left alone."""
    return await commands.start_pull(runtime().models, who, name)


@models.delete("/{name}/pull", status_code=204)
async def cancel_pull(name: Id, who: Signed) -> None:
    """Stop a download; a later one goes on where it stopped."""
    await commands.cancel_pull(runtime().models, who, name)

"""Models: which there are, which one answers by default, and downloads."""

import asyncio
from dataclasses import dataclass

import reflex as rx

from app.kernel.errors import AppError
from app.services.app_context import current_app
from app.services.models.commands import cancel_pull, start_pull
from app.services.models.queries import list_models, pulls
from app.services.models.views import ModelView, PullView
from app.state.formatting import size
from app.state.identity import actor
from app.state.socket.lanes import reading
from app.state.socket.said import Saying

_LOOK_S = 0.7


@dataclass(frozen=True)
class ModelRow:
    """A model as its line shows it; `pull` is its name in downloads."""

    ref: str
    title: str
    provider: str
    local: bool
    demo: bool
    available: bool
    default: bool
    note: str
    how: str
    pull: str
    size: str
    price: str


@dataclass(frozen=True)
class Download:
    """A download as its bar shows it."""

    status: str
    percent: int
    progress: str
    message: str


def price_words(asked: float, answered: float) -> str:
    """A price the way providers print it."""
    return f"${asked:g} in, ${answered:g} out per million tokens"


def price_of(view: ModelView) -> str:
    """What a model costs, as its line says it."""
    if view.price == "free":
        return ""
    if view.input_usd_per_mtok is None or view.output_usd_per_mtok is None:
        return "no price known"
    return price_words(view.input_usd_per_mtok, view.output_usd_per_mtok)


def model_row(view: ModelView) -> ModelRow:
    """Turn a model into its line."""
    return ModelRow(
        ref=view.ref, title=view.title, provider=view.provider, local=view.local, demo=view.demo,
        available=view.available, default=view.default, note=view.note, how=view.how,
        pull=view.pull or "", size=size(view.size_bytes) if view.size_bytes else "",
        price=price_of(view),
    )  # fmt: skip


def download(view: PullView) -> Download:
    """Turn a download into its bar."""
    return Download(
        status=view.status,
        percent=view.percent,
        progress=f"{size(view.done_bytes)} of {size(view.total_bytes)}",
        message=view.message,
    )


class ModelsState(rx.State):
    """What the page shows; `downloads` are by the models' download names."""

    search: str = ""
    rows: list[ModelRow] = []
    downloads: dict[str, Download] = {}
    ready: bool = False
    error: str = ""
    _all: list[ModelRow] = []

    @rx.event
    @reading
    async def load(self) -> None:
        """Ask every provider what it has; Ollama is looked for anew."""
        acting = await actor(self)
        models = current_app().models
        try:
            self._all = [model_row(one) for one in await list_models(models, acting, refresh=True)]
            self.downloads = {one.name: download(one) for one in await pulls(models, acting)}
        except AppError as error:
            self.error = error.message
            return
        self._filter()
        self.error, self.ready = "", True

    @rx.event(background=True)
    async def watch(self) -> Saying:
        """Follow downloads as long as the page is open; read the list again when one ends."""
        acting = await actor(self)
        yield ModelsState.load
        before: dict[str, Download] = {}
        while True:
            found = {one.name: download(one) for one in await pulls(current_app().models, acting)}
            if found != before:
                async with self:
                    self.downloads = found
                if _running(before) - _running(found):
                    yield ModelsState.load
            before = found
            await asyncio.sleep(_LOOK_S)

    @rx.event
    async def look_for(self, text: str) -> None:
        """Show the models that contain the text."""
        self.search = text
        self._filter()

    @rx.event
    async def pull(self, name: str) -> None:
        """Begin to download a model, or go on with it."""
        started = await start_pull(current_app().models, await actor(self), name)
        self.downloads = {**self.downloads, name: download(started)}

    @rx.event
    async def stop(self, name: str) -> None:
        """Stop a download; a later one goes on where it stopped."""
        await cancel_pull(current_app().models, await actor(self), name)

    def _filter(self) -> None:
        words = self.search.casefold().split()
        self.rows = [
            one
            for one in self._all
            if all(word in f"{one.title} {one.ref} {one.note}".casefold() for word in words)
        ]


def _running(found: dict[str, Download]) -> set[str]:
    return {name for name, one in found.items() if one.status == "running"}

"""The gallery of templates, and the page of one."""

from collections import Counter
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import reflex as rx
from markdown_it import MarkdownIt

from app.components.ui import preview
from app.kernel.errors import AppError
from app.services.app_context import current_app
from app.services.templates.commands import use_template
from app.services.templates.queries import KEYLESS_NEEDS, get_template, list_templates
from app.services.templates.views import TemplateSummary
from app.state.formatting import some
from app.state.identity import actor
from app.state.socket.lanes import reading
from app.state.socket.said import Said, Saying

_MARKDOWN = MarkdownIt("js-default")  # no raw HTML, no script links
_NEEDS = {"internet": "needs the internet"}


@dataclass(frozen=True)
class TemplateCard:
    """A template as its card shows it. `needs` are words; without any it works offline, keyless."""

    id: str
    title: str
    summary: str
    category: str
    nodes: str
    uses: str
    keyless: bool
    needs: list[str]
    graph: dict[str, Any]


_NONE = TemplateCard("", "", "", "", "", "", keyless=True, needs=[], graph={})


def template_card(view: TemplateSummary) -> TemplateCard:
    """Turn a template into its card."""
    return TemplateCard(
        id=view.id,
        title=view.title,
        summary=view.summary,
        category=view.category,
        nodes=some(view.node_count, "node"),
        uses=some(view.uses, "use") if view.uses else "",
        keyless=KEYLESS_NEEDS.issuperset(view.needs),
        needs=[_NEEDS.get(need, f"needs {need}") for need in view.needs],
        graph=preview(view.graph),
    )


class GalleryState(rx.State):
    """Search, filters and cards of the gallery."""

    search: str = ""
    category: str = "all"
    keyless: bool = False
    categories: list[tuple[str, str]] = []
    cards: list[TemplateCard] = []
    ready: bool = False
    error: str = ""
    using: str = ""

    @rx.event
    @reading
    async def load(self) -> None:
        """Read the templates that fit search and switch; the category chips count those."""
        await actor(self)
        try:
            async with current_app().database.read() as uow:
                found = await list_templates(uow, search=self.search, keyless=self.keyless)
        except AppError as error:
            self.error = error.message
            return
        numbers = Counter(view.category for view in found)
        self.categories = [
            ("all", f"All {len(found)}"),
            *((name, f"{name} {numbers[name]}") for name in sorted(numbers)),
        ]
        wanted = self.category if self.category in numbers else "all"
        self.cards = [template_card(one) for one in found if wanted in ("all", one.category)]
        self.category, self.error, self.ready, self.using = wanted, "", True, ""

    @rx.event
    async def look_for(self, text: str) -> Said:
        """Search."""
        self.search = text
        return GalleryState.load

    @rx.event
    async def choose(self, category: str) -> Said:
        """Show one category, or all."""
        self.category = category
        return GalleryState.load

    @rx.event
    async def only_keyless(self, keyless: bool) -> Said:
        """Show only what works without keys."""
        self.keyless = keyless
        return GalleryState.load

    @rx.event
    async def forget_filters(self) -> Said:
        """Show everything again."""
        self.search, self.category, self.keyless = "", "all", False
        return GalleryState.load

    @rx.event
    async def use(self, template_id: str) -> Saying:
        """Make a workflow from a template and open it."""
        acting = await actor(self)
        self.using = template_id
        yield
        try:
            async with current_app().database.work() as uow:
                workflow = await use_template(uow, acting, template_id)
        finally:
            self.using = ""
        yield rx.redirect(f"/workflows/{workflow.id}")


class TemplateState(rx.State):
    """The page of one template."""

    ready: bool = False
    card: TemplateCard = _NONE
    description_html: str = ""
    example: dict[str, Any] = {}
    error: str = ""

    @rx.event
    @reading
    async def load(self) -> None:
        """Read the template that the address names."""
        await actor(self)
        self.ready, self.error = False, ""
        try:
            async with current_app().database.read() as uow:
                view = await get_template(uow, PurePosixPath(self.router.url.path).name)
        except AppError as error:
            self.error = error.message
            return
        self.card, self.ready = template_card(view), True
        self.description_html = _MARKDOWN.render(view.description)
        self.example = {"input": view.example_input}

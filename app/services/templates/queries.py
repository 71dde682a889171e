"""Read the gallery."""

from sqlalchemy import select
from sqlmodel import col

from app.adapters.sql.database import UnitOfWork
from app.kernel.errors import NotFound
from app.models import Template
from app.services.templates.views import TemplateSummary, TemplateView

KEYLESS_NEEDS = frozenset({"internet"})
"""Needs that no key stands behind; a template with any other need works only after a set-up."""


async def list_templates(
    uow: UnitOfWork,
    *,
    search: str | None = None,
    category: str | None = None,
    keyless: bool = False,
) -> tuple[TemplateSummary, ...]:
    """List the gallery in its order.

    Args:
        search: Words that must all occur in title, summary, description or category.
        keyless: Only those that work without any key.
    """
    words = (search or "").casefold().split()
    rows = await uow.session.scalars(
        select(Template).order_by(col(Template.position), col(Template.title), col(Template.id))
    )
    return tuple(
        _summary(row)
        for row in rows
        if (not category or row.category == category)
        and (not keyless or KEYLESS_NEEDS.issuperset(row.needs))
        and all(word in _text(row) for word in words)
    )


async def get_template(uow: UnitOfWork, template_id: str) -> TemplateView:
    """Return a template's page.

    Raises:
        NotFound: There is none.
    """
    row = await load_template(uow, template_id)
    return TemplateView(
        **_summary(row).model_dump(), description=row.description, example_input=row.example_input
    )


async def load_template(uow: UnitOfWork, template_id: str) -> Template:
    """Return a template's row.

    Raises:
        NotFound: There is none.
    """
    row = await uow.session.get(Template, template_id)
    if row is None:
        raise NotFound("There is no such template.")
    return row


def _text(row: Template) -> str:
    return f"{row.title} {row.summary} {row.description} {row.category}".casefold()


def _summary(row: Template) -> TemplateSummary:
    return TemplateSummary(
        id=row.id,
        title=row.title,
        summary=row.summary,
        category=row.category,
        needs=tuple(row.needs),
        node_count=len(row.graph.get("nodes", [])),
        graph=row.graph,
        uses=row.uses,
    )

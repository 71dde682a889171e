"""Help while writing expressions."""

from fastapi import Depends

from app.api.http.bodies import router
from app.api.http.deps import Signed
from app.api.http.limits import PREVIEWS, limited
from app.engine.expressions import Suggestion
from app.services.app_context import current_app
from app.services.page import Page
from app.services.workflows.preview import (
    PreviewRequest,
    PreviewView,
    complete_expression,
    preview_expression,
)

expressions = router("/expressions", "expressions")


@expressions.post("/preview", dependencies=[Depends(limited(PREVIEWS))])
async def preview_text(body: PreviewRequest, who: Signed) -> PreviewView:
    """The value of a text with the values of an earlier run."""
    async with current_app().database.read() as uow:
        return await preview_expression(uow, who, body)


@expressions.post("/complete", dependencies=[Depends(limited(PREVIEWS))])
async def complete_text(body: PreviewRequest, who: Signed) -> Page[Suggestion]:
    """What may come next after the text left of the cursor."""
    async with current_app().database.read() as uow:
        return Page(items=await complete_expression(uow, who, body))

"""What callers see of templates."""

from typing import Any

from pydantic import BaseModel, ConfigDict

from app.engine.graph.document import GraphJson


class TemplateSummary(BaseModel):
    """A card of the gallery; `graph` is small enough to draw a preview from."""

    model_config = ConfigDict(frozen=True)

    id: str
    title: str
    summary: str
    category: str
    needs: tuple[str, ...]
    node_count: int
    graph: GraphJson
    uses: int


class TemplateView(TemplateSummary):
    """A template's page."""

    description: str
    example_input: Any

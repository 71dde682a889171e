"""What JSON Schema tells of values that are typed more loosely in the code."""

from typing import Any

from pydantic import GetJsonSchemaHandler, TypeAdapter
from pydantic_core import CoreSchema, core_schema


class SchemaOf:
    """Describes a value by another type: `Annotated[str, SchemaOf(RunStatus)]`.

    For what the database or a parser with sentences of its own has checked, or will: the API tells its shape,
    and nothing is checked twice.
    """

    def __init__(self, described: Any) -> None:  # noqa: ANN401 - a type, or a union of some
        self.described = described

    def __get_pydantic_json_schema__(
        self, _: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Give the other type's schema; a model's under its own name, wherever it is told."""
        told = TypeAdapter(self.described).core_schema
        return handler(core_schema.definitions_schema(told, []))

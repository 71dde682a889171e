"""Configurations with expressions in them: which texts are dynamic, and their values in a scope."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from app.engine.expressions.budget import MAX_CONFIG, Budget
from app.engine.expressions.evaluator import Scope, evaluate, without_braces
from app.engine.expressions.functions import written
from app.engine.expressions.syntax import Path, parse
from app.engine.expressions.template import is_dynamic, parse_template, placed, render
from app.kernel import jsons
from app.kernel.errors import ExpressionError

Json = Any  # a JSON value
Mode = Literal["template", "expression", "literal"]
Schema = Mapping[str, Any]
Place = tuple[str | int, ...]


@dataclass(frozen=True)
class Leaf:
    """A text of a configuration with an expression in it.

    Args:
        title: Its field's name on screen.
        later: The node evaluates it itself, with names of its own.
    """

    place: Place
    text: str
    mode: Mode
    title: str
    wants_text: bool
    later: bool = False


def check(text: str, mode: Mode = "template") -> None:
    """Check the syntax of a text.

    Raises:
        ExpressionError: `context["position"]` is the offset of the fault in the text.
    """
    paths_of(text, mode)


def references(text: str, mode: Mode = "template") -> set[Path]:
    """Return the paths a text reads, such as ("nodes", "classify", "label").

    Raises:
        ExpressionError: The text cannot be read.
    """
    return paths_of(text, mode)


def paths_of(text: str, mode: Mode) -> set[Path]:
    """Parse a text by its mode and collect the paths it reads."""
    if mode == "literal" or (mode == "expression" and not text.strip()):
        return set()
    if mode == "template":
        return {path for part in parse_template(text).expressions for path in part.expression.paths}
    bare = without_braces(text)
    try:
        return set(parse(bare).paths)
    except ExpressionError as error:
        raise placed(error, text.find(bare)) from error


def leaves(config: Mapping[str, Json], schema: Schema) -> Iterator[Leaf]:
    """List the texts of a configuration that hold expressions, in order."""
    return iter(Form(config, schema).leaves)


def texts(config: Mapping[str, Json]) -> Iterator[tuple[Place, str]]:
    """List all texts of a configuration with their places, whatever their mode."""
    stack: list[tuple[Place, Json]] = [((), config)]
    while stack:
        place, value = stack.pop()
        if isinstance(value, str):
            yield place, value
        elif isinstance(value, Mapping):
            stack.extend(((*place, key), item) for key, item in reversed(list(value.items())))
        elif isinstance(value, (list, tuple)):
            stack.extend(((*place, index), value[index]) for index in reversed(range(len(value))))


AtLeaf = Callable[[Leaf], Json]
Fill = Callable[[AtLeaf], Json]
"""Builds a part of a configuration, with what the function gives for the texts with expressions in it."""


class Form:
    """A configuration beside its JSON Schema, looked through once: what is fixed, and what to evaluate.

    Attributes:
        leaves: Its texts with expressions, in order.
    """

    def __init__(self, config: Mapping[str, Json], schema: Schema) -> None:
        self.leaves: list[Leaf] = []
        self._schemas = _Schemas(schema)
        self._fill = self._read(config, schema, "template", (), "")

    def resolve(self, scope: Scope, most_bytes: int = MAX_CONFIG) -> dict[str, Json]:
        """Put values in the place of expressions, by the mode of each field.

        A whole-text expression in a field that takes texts only becomes a text, as a mixed text would.

        Args:
            most_bytes: How large all values that are put in may be together, as JSON.

        Raises:
            ExpressionError: `context` has `field` (dotted place), `path` and `position`.
        """
        size = 0

        def value_of(leaf: Leaf) -> Json:
            nonlocal size
            value, own_size = _settled(_value_of(leaf, scope), leaf)
            size += own_size
            if size > most_bytes:
                too_large = ExpressionError(
                    f"All values of this form together have more than {most_bytes:,} bytes. Hand on "
                    "less, or let an administrator raise AGENTLOOM_MAX_OUTPUT_MB (docs/limits.md)."
                )
                raise _in_field(too_large, leaf)
            return value

        resolved: dict[str, Json] = self._fill(value_of)
        return resolved

    def _read(self, value: Json, schema: Schema, mode: Mode, place: Place, title: str) -> Fill:
        if mode == "literal":
            return lambda _: value
        if isinstance(value, str):
            if not (value.strip() if mode == "expression" else is_dynamic(value)):
                return lambda _: value
            wants_text = self._schemas.wants_text(schema)
            return self._note(Leaf(place, value, mode, title, wants_text))
        if isinstance(value, Mapping):
            fields = [
                (key, self._field(item, schema, mode, (*place, key), title))
                for key, item in value.items()
            ]
            return lambda at_leaf: {key: fill(at_leaf) for key, fill in fields}
        if isinstance(value, (list, tuple)):
            inner = self._schemas.inside(schema, "items", 0)
            items = [
                self._read(item, inner, mode, (*place, index), title)
                for index, item in enumerate(value)
            ]
            return lambda at_leaf: [fill(at_leaf) for fill in items]
        return lambda _: value

    def _field(self, value: Json, schema: Schema, mode: Mode, place: Place, title: str) -> Fill:
        inner = self._schemas.inside(schema, "properties", place[-1])
        own: Mode = inner["mode"] if inner.get("mode") in get_args(Mode) else mode
        name = str(inner.get("title") or title or place[-1])
        if inner.get("later") and isinstance(value, str) and value.strip():
            return self._note(Leaf(place, value, own, name, wants_text=False, later=True))
        return self._read(value, inner, own, place, name)

    def _note(self, leaf: Leaf) -> Fill:
        self.leaves.append(leaf)
        return lambda at_leaf: at_leaf(leaf)


def _value_of(leaf: Leaf, scope: Scope) -> Json:
    if leaf.later:
        return leaf.text
    try:
        if leaf.mode == "expression":
            return evaluate(leaf.text, scope)
        value = render(leaf.text, scope)
        return written(value, Budget()) if leaf.wants_text else value
    except ExpressionError as error:
        raise _in_field(error, leaf) from error


def _settled(value: Json, leaf: Leaf) -> tuple[Json, int]:
    """The value by the rule of `kernel.jsons`, and its size: numbers may have grown beyond JSON's."""
    size = jsons.size_of(value)
    if size is not None:
        return value, size
    try:
        value = jsons.settled(value, "the value")
    except jsons.NotJson as error:
        raise _in_field(ExpressionError(f"The value is no JSON: {error}."), leaf) from error
    return value, jsons.size_of(value) or 0


def _in_field(error: ExpressionError, leaf: Leaf) -> ExpressionError:
    place = ".".join(map(str, leaf.place))
    message = f"In “{leaf.title}”: {error.message}"
    return ExpressionError(message, **{**error.context, "field": place})


class _Schemas:
    """Finding one's way in a JSON Schema."""

    def __init__(self, root: Schema) -> None:
        self._root = root

    def inside(self, schema: Schema, where: str, key: str | int) -> Schema:
        """The schema of a property or of the items, in the first alternative that has it."""
        for option in self.options(schema):
            if where == "items" and isinstance(option.get("items"), Mapping):
                return option["items"]  # type: ignore[no-any-return]
            if where == "properties" and key in option.get("properties", {}):
                found: Schema = option["properties"][key]
                return found
        for option in self.options(schema):
            if where == "properties" and isinstance(option.get("additionalProperties"), Mapping):
                return option["additionalProperties"]  # type: ignore[no-any-return]
        return {}

    def options(self, schema: Schema) -> Iterator[Schema]:
        """The schema with its references followed and its alternatives laid side by side."""
        stack: list[tuple[Schema, int]] = [(schema, 0)]
        while stack:
            option, depth = stack.pop()
            yield option
            if depth > 8:
                continue
            inner = [part for key in ("allOf", "anyOf", "oneOf") for part in option.get(key, ())]
            if "$ref" in option:
                name = str(option["$ref"]).rpartition("/")[2]
                inner.append(self._root.get("$defs", {}).get(name, {}))
            stack.extend((part, depth + 1) for part in reversed(inner))

    def wants_text(self, schema: Schema) -> bool:
        """Whether only texts fit here."""
        types = [option["type"] for option in self.options(schema) if "type" in option]
        return bool(types) and all(kind == "string" for kind in types)


def empty_places(config: Mapping[str, Json], schema: Schema) -> Iterator[Place]:
    """List the places of fields that must not be empty and are: a blank text, null, nothing in a list.

    A field must not be empty when it has no default, when its shortest length is not 0, or when its
    declaration says so; one that is not shown does not count.
    """
    yield from _empty_places(_Schemas(schema), config, schema, ())


def _empty_places(
    schemas: "_Schemas", value: Json, schema: Schema, place: Place
) -> Iterator[Place]:
    if isinstance(value, (list, tuple)):
        inner = schemas.inside(schema, "items", 0)
        for index, item in enumerate(value):
            yield from _empty_places(schemas, item, inner, (*place, index))
    if not isinstance(value, Mapping):
        return
    for option in schemas.options(schema):
        for name, field in option.get("properties", {}).items():
            if name not in value or not is_shown(field, value):
                continue
            required = name in option.get("required", ()) or _is_needed(field, value)
            if required and _is_empty(value[name]):
                yield (*place, name)
            else:
                yield from _empty_places(schemas, value[name], field, (*place, name))


def _is_needed(field: Schema, config: Mapping[str, Json]) -> bool:
    needed = field.get("needed")
    if isinstance(needed, Mapping):
        return is_shown({"show_if": needed}, config)
    return bool(needed or field.get("minLength") or field.get("minItems"))


def _is_empty(value: Json) -> bool:
    blank = isinstance(value, str) and not value.strip()
    return blank or value is None or (isinstance(value, (list, tuple, Mapping)) and not value)


def is_shown(field: Schema, config: Mapping[str, Json]) -> bool:
    """Whether a field of a form counts, given the other ones."""
    for name, wanted in field.get("show_if", {}).items():
        allowed = wanted if isinstance(wanted, list) else [wanted]
        if config.get(name) not in allowed:
            return False
    return True


def field_titles(schema: Schema, place: Place) -> list[str | int]:
    """Name a place for people: titles of fields, and numbers of list entries counted from 1."""
    schemas = _Schemas(schema)
    names: list[str | int] = []
    here = schema
    for part in place:
        if isinstance(part, int):
            here = schemas.inside(here, "items", part)
            names.append(part + 1)
        else:
            here = schemas.inside(here, "properties", part)
            names.append(str(here.get("title") or part))
    return names

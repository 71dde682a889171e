"""Finds node and trigger types by walking `app.engine.nodes` and `app.engine.triggers`; there is no list to keep."""

import importlib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, cached_property
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any, TypeVar

from pydantic_core import to_jsonable_python

from app.engine import nodes, triggers
from app.engine.sdk import Example, NodeType, Port, TriggerType
from app.kernel.errors import ensure

PALETTE_ORDER = ("trigger", "model", "tool", "logic", "memory", "transform", "human", "flow")
"""The order of the categories, which are the folders of `app.engine.nodes`; any other follows by name."""


Declared = TypeVar("Declared", NodeType, TriggerType)


class Catalog:
    """A set of node types, in the order of the palette."""

    def __init__(self, types: Iterable[NodeType]) -> None:
        self._types: dict[str, NodeType] = {}
        for node_type in sorted(types, key=_order):
            twice = node_type.kind in self._types
            ensure(not twice, f"Two node types are of the kind '{node_type.kind}'.")
            self._types[node_type.kind] = node_type

    def get(self, kind: str) -> NodeType | None:
        """Return the node type of a kind, or None."""
        return self._types.get(kind)

    def all(self) -> tuple[NodeType, ...]:
        """Return all node types."""
        return tuple(self._types.values())

    def public(self) -> list[dict[str, Any]]:
        """Return what the API tells about each node type, as JSON values. Do not change it."""
        return self._public

    @cached_property
    def _public(self) -> list[dict[str, Any]]:
        return [_public(node_type) for node_type in self._types.values()]


def _order(node_type: NodeType) -> tuple[int, str, str]:
    category = node_type.category
    known = category in PALETTE_ORDER
    place = PALETTE_ORDER.index(category) if known else len(PALETTE_ORDER)
    return place, category, node_type.kind


@cache
def catalog() -> Catalog:
    """Return the node types of this installation, found once per process.

    Raises:
        Defect: Two node types are of one kind, or a file among them declares none.
    """
    return Catalog(found_in(nodes))


@cache
def trigger_types() -> Mapping[str, TriggerType]:
    """Return the trigger types of this installation by kind, found once per process.

    Raises:
        Defect: Two trigger types are of one kind, or a file among them declares none.
    """
    found = list(_walked(triggers, TriggerType, "<name>.py"))
    by_kind = {one.kind: one for one in found}
    ensure(len(by_kind) == len(found), "Two trigger types are of one kind.", kinds=sorted(by_kind))
    return MappingProxyType(by_kind)


def found_in(package: ModuleType) -> Iterator[NodeType]:
    """Import each `<category>/<name>.py` of a package and yield the node type that it declares.

    Raises:
        Defect: A file of the package is something else; the message names it.
    """
    return _walked(package, NodeType, "<category>/<name>.py")


def _walked(package: ModuleType, declared: type[Declared], place: str) -> Iterator[Declared]:
    for folder in map(Path, package.__path__):
        for file in sorted(folder.rglob("*")):
            parts: tuple[str, ...] = file.relative_to(folder).parts
            if file.is_file() and not _is_passed_over(parts):
                is_module = (
                    file.suffix == ".py" and file.stem.isidentifier() and file.stem != "__init__"
                )
                ensure(
                    is_module and len(parts) == len(place.split("/")),
                    f"{file} does not belong here: this folder holds one file per {declared.noun}, {place}.",
                )
                yield _declared_in(
                    ".".join((package.__name__, *parts[:-1], file.stem)), file, declared
                )


def _is_passed_over(parts: tuple[str, ...]) -> bool:
    hidden = any(part.startswith((".", "__pycache__")) for part in parts)
    return hidden or parts == ("__init__.py",)


def _declared_in(module: str, file: Path, declared: type[Declared]) -> Declared:
    values = vars(importlib.import_module(module)).values()
    found = [one for one in values if isinstance(one, declared) and one.module == module]
    ensure(
        len(found) == 1, f"{file} declares {len(found)} {declared.noun}s; it must be exactly one."
    )
    return found[0]


def _public(node_type: NodeType) -> dict[str, Any]:
    outputs = node_type.output_ports(node_type.default_config)
    return {
        "kind": node_type.kind,
        "version": node_type.version,
        "title": node_type.title,
        "category": node_type.category,
        "icon": node_type.icon,
        "summary": node_type.summary,
        "description": node_type.description,
        "config_schema": node_type.config_schema(),
        "default_config": node_type.default_config,
        "inputs": [_input(port) for port in node_type.input_ports()],
        "outputs": [_output(port) for port in outputs],
        "dynamic_outputs": node_type.ports_for is not None,
        "effects": node_type.effects,
        "retry_safe": node_type.retry_safe,
        "trigger": node_type.trigger,
        "container": node_type.container,
        "tool": node_type.tool,
        "uses_model": node_type.uses_model,
        "quick": node_type.quick,
        "responds": node_type.responds,
        "merges": node_type.merges,
        "stops": node_type.stops,
        "body_names": list(node_type.body_names),
        "examples": [example_json(example) for example in node_type.examples],
    }


def _input(port: Port) -> dict[str, Any]:
    return port.model_dump(mode="json", include={"name", "type", "title", "required", "many"})


def _output(port: Port) -> dict[str, Any]:
    return port.model_dump(mode="json", include={"name", "type", "title", "socket", "branch"})


def example_json(example: Example) -> dict[str, Any]:
    """Return an example as JSON values; `error` is the code of the error it ends with."""
    found: dict[str, Any] = {
        "title": example.title,
        "config": example.config.model_dump(mode="json", exclude_unset=True),
        "inputs": example.inputs.model_dump(mode="json", exclude_unset=True),
    }
    if example.raises is not None:
        found["error"] = getattr(example.raises, "code", example.raises.__name__.lower())
    elif example.out is not None:
        found["outputs"] = to_jsonable_python(example.out)
    return found

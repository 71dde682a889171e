"""A workflow's graph as a frozen value. The JSON of the API and of versions."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from app.kernel.errors import GraphInvalid, TooLarge
from app.kernel.schemas import SchemaOf

SCHEMA = 1
MAX_NODES = 2_000
MAX_EDGES = 10_000
MAX_DEPTH = 64
MAX_BYTES = 5_000_000
_PLACE_PARTS = 8
NODE_ID = r"^[a-z][a-z0-9_]{0,63}$"


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Position(_Value):
    """Top left corner on the canvas, in canvas units; inside a container relative to it."""

    x: float = 0
    y: float = 0


class NodeSettings(_Value):
    """Settings that every node has, whatever its kind.

    Args:
        default: Output when `on_error` is continue.
        cache_s: Seconds for which an output is used again for the same input; 0: never.
        pinned: Outputs by port that stand in for executing the node; None: not pinned.
        max_iterations: The most iterations of a circle that begins at this node.
    """

    timeout_s: float = Field(60, gt=0, le=86_400)
    retries: int = Field(0, ge=0, le=10)
    retry_delay_s: float = Field(5, ge=0, le=3_600)
    backoff: Literal["fixed", "exponential"] = "exponential"
    on_error: Literal["stop", "continue", "error_port", "ask"] = "stop"
    default: Any = None
    cache_s: int = Field(0, ge=0, le=2_592_000)
    pinned: Mapping[str, Any] | None = None
    max_iterations: int = Field(100, ge=1, le=100_000)
    disabled: bool = False
    tool_name: str = Field("", max_length=64, pattern=r"^[A-Za-z0-9_-]*$")
    tool_description: str = Field("", max_length=1_000)


class NodeRef(_Value):
    """A box on the canvas. `parent` is the container whose body it belongs to."""

    id: str = Field(pattern=NODE_ID)
    kind: str = Field(min_length=1, max_length=100)
    version: int = Field(1, ge=-100_000, le=100_000)
    label: str = Field("", max_length=200)
    config: Mapping[str, Any] = {}
    settings: NodeSettings = NodeSettings()
    position: Position = Position()
    parent: str | None = Field(None, max_length=100)
    size: tuple[float, float] | None = None


class Edge(_Value):
    """A wire from an output port to an input port."""

    id: str = Field(min_length=1, max_length=100)
    source: str = Field(max_length=100)
    source_port: str = Field(max_length=1_000)
    target: str = Field(max_length=100)
    target_port: str = Field(max_length=1_000)

    def same_ports(self, other: "Edge") -> bool:
        """Whether another edge connects the same two ports."""
        return (
            self.target == other.target
            and self.source == other.source
            and self.source_port == other.source_port
            and self.target_port == other.target_port
        )


class Graph(BaseModel):
    """Nodes and edges. Valid in shape; `validate.check` says whether it can run."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, serialize_by_alias=True
    )

    schema_: Literal[1] = Field(1, alias="schema")
    nodes: tuple[NodeRef, ...] = Field((), max_length=MAX_NODES)
    edges: tuple[Edge, ...] = Field((), max_length=MAX_EDGES)

    @model_validator(mode="after")
    def _whole(self) -> "Graph":
        ids = {node.id: index for index, node in enumerate(self.nodes)}
        if (index := _repeated([node.id for node in self.nodes])) is not None:
            twice = self.nodes[index].id
            raise _broken(f"nodes.{index}.id", f"two nodes have the id '{twice}'")
        if (index := _repeated([edge.id for edge in self.edges])) is not None:
            twice = self.edges[index].id
            raise _broken(f"edges.{index}.id", f"two edges have the id '{twice}'")
        for index, edge in enumerate(self.edges):
            for name, end in (("source", edge.source), ("target", edge.target)):
                if end not in ids:
                    message = f"edge '{edge.id}' names the node '{end}', which does not exist"
                    raise _broken(f"edges.{index}.{name}", message)
        for index, node in enumerate(self.nodes):
            if node.parent is not None and node.parent not in ids:
                message = f"node '{node.id}' lies in '{node.parent}', which does not exist"
                raise _broken(f"nodes.{index}.parent", message)
        inside = _inside_itself({node.id: node.parent for node in self.nodes})
        if inside is not None:
            raise _broken(f"nodes.{ids[inside]}.parent", f"node '{inside}' lies inside itself")
        return self

    @cached_property
    def by_id(self) -> dict[str, NodeRef]:
        """Nodes by id."""
        return {node.id: node for node in self.nodes}

    def as_json(self, *, with_unknown: bool = True) -> dict[str, Any]:
        """The document as JSON values, with unknown fields unless they are to be dropped."""
        document = self.model_dump(mode="json", by_alias=True)
        for found in self.unknown if with_unknown else ():
            owner = document
            for key in found.place[:-1]:
                owner = owner[key]
            owner[found.place[-1]] = found.value
        return document

    @cached_property
    def unknown(self) -> tuple["Unknown", ...]:
        """Fields of a stored document that this version does not know: kept, but ignored."""
        return tuple(_unknown_fields(self))


@dataclass(frozen=True)
class Unknown:
    """A field of a stored document that this version does not know, outside the forms of nodes.

    Args:
        place: Where it stands, such as ("nodes", 3, "settings", "colour").
    """

    place: tuple[Any, ...]
    value: Any
    node_id: str | None = None
    edge_id: str | None = None


def _unknown_fields(graph: Graph) -> Iterator[Unknown]:
    for key, value in (graph.model_extra or {}).items():
        yield Unknown((key,), value)
    for index, node in enumerate(graph.nodes):
        inner = (((), node), (("settings",), node.settings), (("position",), node.position))
        for way, part in inner:
            for key, value in (part.model_extra or {}).items():
                yield Unknown(("nodes", index, *way, key), value, node_id=node.id)
    for index, edge in enumerate(graph.edges):
        for key, value in (edge.model_extra or {}).items():
            yield Unknown(("edges", index, key), value, edge_id=edge.id)


GraphJson = Annotated[dict[str, Any], SchemaOf(Graph)]
"""A graph as JSON values; `parse_graph` reads it."""


def _broken(place: str, message: str) -> PydanticCustomError:
    """A fault between parts of the document, with the place that is to be fixed."""
    return PydanticCustomError("broken", "{message}", {"place": place, "message": message})


def _repeated(ids: Sequence[str]) -> int | None:
    """The index at which an id appears a second time."""
    seen: set[str] = set()
    for index, each in enumerate(ids):
        if each in seen:
            return index
        seen.add(each)
    return None


def _inside_itself(parents: Mapping[str, str | None]) -> str | None:
    """A node that contains itself, directly or through other containers."""
    sound: set[str] = set()
    for start in parents:
        chain: list[str] = []
        node: str | None = start
        while node is not None and node not in sound:
            if node in chain:
                return node
            chain.append(node)
            node = parents[node]
        sound.update(chain)
    return None


def json_depth(value: Any) -> int:  # noqa: ANN401 - any JSON value
    """Levels of nesting; counting stops just above the limit."""
    level, layer = 0, [value]
    while layer and level <= MAX_DEPTH:
        layer = [
            child
            for item in layer
            if isinstance(item, (dict, list))
            for child in (item.values() if isinstance(item, dict) else item)
        ]
        level += 1
    return level


def too_deep(value: Any) -> str | None:  # noqa: ANN401 - any JSON value
    """Where the nesting exceeds the limit, such as `nodes.3.config.a…`; None if it does not."""
    if json_depth(value) <= MAX_DEPTH:
        return None
    layer: list[tuple[Any, tuple[str, ...]]] = [(value, ())]
    for _ in range(MAX_DEPTH):
        layer = [
            (child, way if len(way) == _PLACE_PARTS else (*way, str(key)))
            for item, way in layer
            if isinstance(item, (dict, list))
            for key, child in (item.items() if isinstance(item, dict) else enumerate(item))
        ]
    return ".".join(part[:64] for part in layer[0][1]) + "…"


def read_graph(stored: object) -> Graph:
    """Read a graph that was stored, perhaps by another version: unknown fields are kept.

    The check tells of them, and a run is refused until they are gone.

    Raises:
        TooLarge, GraphInvalid: As `parse_graph`.
    """
    return parse_graph(stored, unknown="allow")


def parse_graph(raw: object, *, unknown: Literal["forbid", "allow"] = "forbid") -> Graph:
    """Read a graph from JSON values.

    Args:
        unknown: Whether fields that nobody knows are refused, or kept in `Graph.unknown`.

    Raises:
        TooLarge: More than 2,000 nodes, 10,000 edges or 64 levels.
        GraphInvalid: `context["problems"]` lists faults and places, such as `nodes.3.kind`.
    """
    if isinstance(raw, Graph):
        return raw
    if not isinstance(raw, dict):
        raise GraphInvalid("The graph must be a JSON object with `nodes` and `edges`.", problems=[])
    for key, limit in (("nodes", MAX_NODES), ("edges", MAX_EDGES)):
        if isinstance(raw.get(key), list) and len(raw[key]) > limit:
            raise TooLarge(f"The graph has {len(raw[key])} {key}; at most {limit:,} are allowed.")
    if place := too_deep(raw):
        sentence = f"The graph is nested deeper than {MAX_DEPTH} levels at {place}"
        raise TooLarge(sentence, place=place)
    try:
        return Graph.model_validate(raw, extra=unknown)
    except ValidationError as error:
        problems = [
            {
                "place": fault.get("ctx", {}).get("place") or ".".join(map(str, fault["loc"])),
                "message": fault["msg"].removeprefix("Value error, "),
            }
            for fault in error.errors(include_url=False)[:20]
        ]
        first = problems[0]
        where = f" at {first['place']}" if first["place"] else ""
        raise GraphInvalid(
            f"The graph is broken{where}: {first['message']}.", problems=problems
        ) from error

"""Edits of a graph, the language between canvas and server. Pure; each knows how to undo itself."""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NoReturn, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from app.engine.graph.document import (
    MAX_DEPTH,
    MAX_EDGES,
    MAX_NODES,
    Edge,
    Graph,
    GraphJson,
    NodeRef,
    NodeSettings,
    Position,
    json_depth,
    read_graph,
)
from app.engine.graph.places import NOTHING, at, changed
from app.kernel.errors import EditRefused, GraphInvalid, TooLarge
from app.kernel.schemas import SchemaOf

MAX_OPS = 500
_ABOVE_CONFIG = 3
"""Levels of the document above a node's form: graph, list of nodes, node."""

Op = dict[str, Any]
_T = TypeVar("_T", NodeRef, Edge)


@dataclass(frozen=True)
class Overtaken:
    """An edit of a value that was no longer what its author saw; `value` is what it is now."""

    index: int
    value: Any


@dataclass(frozen=True)
class Applied:
    """A graph after edits, and the edits that undo them in the order in which to apply them.

    Args:
        overtaken: Edits that were left out because their `was` is not there any more.
    """

    graph: Graph
    inverse: tuple[Op, ...]
    overtaken: tuple[Overtaken, ...] = ()


class _Refused(Exception):
    """Why an edit cannot be applied; `apply` adds which one it was."""


class _Overtaken(Exception):
    """Somebody else changed the value first."""

    def __init__(self, value: Any) -> None:  # noqa: ANN401 - a JSON value
        super().__init__()
        self.value = value


def _refuse(reason: str) -> NoReturn:
    raise _Refused(reason)


class _Draft:
    """A graph while it is being edited: order of ids beside values by id."""

    def __init__(self, graph: Graph) -> None:
        self.nodes = {node.id: node for node in graph.nodes}
        self.edges = {edge.id: edge for edge in graph.edges}
        self.unknown = dict(graph.model_extra or {})

    def node(self, node_id: str) -> NodeRef:
        if node_id not in self.nodes:
            _refuse(f"there is no node '{node_id}'")
        return self.nodes[node_id]

    def update(self, node_id: str, **values: Any) -> None:  # noqa: ANN401 - fields of NodeRef
        self.nodes[node_id] = self.node(node_id).model_copy(update=values)

    def check_parent(self, node_id: str, parent: str | None) -> None:
        """Refuse a parent that does not exist or lies inside the node itself."""
        above = parent
        while above is not None:
            if above == node_id:
                _refuse(f"'{node_id}' cannot be put inside itself")
            above = self.node(above).parent

    def body(self, node_id: str) -> set[str]:
        """Ids of all nodes inside a container, at any depth."""
        inside: set[str] = set()
        layer = {node_id}
        while layer:
            layer = {n.id for n in self.nodes.values() if n.parent in layer} - inside
            inside |= layer
        return inside

    def graph(self) -> Graph:
        parts = {"nodes": tuple(self.nodes.values()), "edges": tuple(self.edges.values())}
        return Graph.model_validate({**self.unknown, **parts}, extra="allow")


def _inserted(values: dict[str, _T], key: str, value: _T, index: int | None) -> dict[str, _T]:
    if index is None or index >= len(values):
        values[key] = value
        return values
    items = list(values.items())
    items.insert(index, (key, value))
    return dict(items)


class _Edit(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


_Id = Annotated[str, Field(max_length=100)]


class _Setting(_Edit):
    """An edit that sets a value. `was` is what its author saw there; without it anything may be."""

    was: Any = None

    def check(self, now: object, wish: object) -> None:
        """Refuse to change what somebody else has changed since; what is as wished is no matter."""
        if "was" in self.model_fields_set and now not in (self.was, wish):
            raise _Overtaken(now)


class AddNode(_Edit):
    """Put a new node on the canvas; `index` is its place in the list, the end without it."""

    op: Literal["add_node"]
    node: NodeRef
    index: int | None = Field(None, ge=0, le=MAX_NODES)

    def apply(self, draft: _Draft) -> list[Op]:
        """Add it."""
        if self.node.id in draft.nodes:
            _refuse(f"there is already a node '{self.node.id}'")
        if len(draft.nodes) >= MAX_NODES:
            _refuse(f"a graph may have {MAX_NODES:,} nodes")
        _check_depth(self.node.config)
        draft.check_parent(self.node.id, self.node.parent)
        draft.nodes = _inserted(draft.nodes, self.node.id, self.node, self.index)
        return [{"op": "remove_node", "id": self.node.id}]


class RemoveNode(_Edit):
    """Take a node away, with its edges and, of a container, its body."""

    op: Literal["remove_node"]
    id: _Id

    def apply(self, draft: _Draft) -> list[Op]:
        """Remove them."""
        draft.node(self.id)
        gone = {self.id} | draft.body(self.id)
        cut = {e.id for e in draft.edges.values() if e.source in gone or e.target in gone}
        undo = _additions(draft.nodes, gone, self._parents_first(draft, gone), _add_node)
        undo += _additions(draft.edges, cut, [e for e in draft.edges if e in cut], _add_edge)
        draft.nodes = {key: node for key, node in draft.nodes.items() if key not in gone}
        draft.edges = {key: edge for key, edge in draft.edges.items() if key not in cut}
        return undo

    def _parents_first(self, draft: _Draft, gone: set[str]) -> list[str]:
        inside: dict[str | None, list[str]] = {}
        for node in draft.nodes.values():
            if node.id in gone and node.id != self.id:
                inside.setdefault(node.parent, []).append(node.id)
        order = [self.id]
        for node_id in order:
            order.extend(inside.get(node_id, ()))
        return order


class Move(_Edit):
    """Put nodes elsewhere on the canvas, or into another body."""

    class Place(_Edit):
        """One node's new place; without `parent` it stays in its body."""

        id: _Id
        x: float = Field(allow_inf_nan=False)
        y: float = Field(allow_inf_nan=False)
        parent: _Id | None = None

    op: Literal["move"]
    moves: tuple[Place, ...] = Field(max_length=MAX_NODES)

    def apply(self, draft: _Draft) -> list[Op]:
        """Move them in order."""
        undo: list[dict[str, Any]] = []
        for step in self.moves:
            node = draft.node(step.id)
            parent = step.parent if "parent" in step.model_fields_set else node.parent
            draft.check_parent(step.id, parent)
            x, y = node.position.x, node.position.y
            undo.insert(0, {"id": node.id, "x": x, "y": y, "parent": node.parent})
            draft.update(node.id, position=Position(x=step.x, y=step.y), parent=parent)
        return [{"op": "move", "moves": undo}]


class SetConfig(_Setting):
    """Set a value of a node's form; without `value` it is taken away. An empty path is the form."""

    op: Literal["set_config"]
    id: _Id
    path: tuple[
        Annotated[str, Field(max_length=10_000)]
        | Annotated[int, Field(strict=True, ge=0, le=10**9)],
        ...,
    ] = Field((), max_length=MAX_DEPTH)
    value: Any = None

    def apply(self, draft: _Draft) -> list[Op]:
        """Set it."""
        old = draft.node(self.id).config
        value = self.value if "value" in self.model_fields_set else NOTHING
        here = at(old, self.path)
        self.check(None if here is NOTHING else here, self.value)
        try:
            config, undo_path, undo_value = changed(old, self.path, value)
        except ValueError as error:
            _refuse(str(error))
        if not isinstance(config, dict):
            _refuse("a node's form must be an object")
        _check_depth(config)
        draft.update(self.id, config=config)
        undo = {"op": "set_config", "id": self.id, "path": list(undo_path)}
        return [undo if undo_value is NOTHING else {**undo, "value": undo_value}]


class SetSettings(_Setting):
    """Set some of the settings every node has."""

    op: Literal["set_settings"]
    id: _Id
    settings: dict[str, Any]

    def apply(self, draft: _Draft) -> list[Op]:
        """Set them."""
        before = draft.node(self.id).settings
        old = before.model_dump(mode="json")
        _check_depth(self.settings)
        self.check({key: old.get(key) for key in self.settings}, self.settings)
        try:
            new = NodeSettings.model_validate({**old, **self.settings})
        except ValidationError as error:
            _refuse(_first_fault(error))
        if before.model_extra:
            kept = {**new.model_dump(), **before.model_extra}
            new = NodeSettings.model_validate(kept, extra="allow")
        draft.update(self.id, settings=new)
        undone = {key: old[key] for key in self.settings}
        return [{"op": "set_settings", "id": self.id, "settings": undone}]


class SetLabel(_Setting):
    """Name a node."""

    op: Literal["set_label"]
    id: _Id
    label: str = Field(max_length=200)

    def apply(self, draft: _Draft) -> list[Op]:
        """Name it."""
        old = draft.node(self.id).label
        self.check(old, self.label)
        draft.update(self.id, label=self.label)
        return [{"op": "set_label", "id": self.id, "label": old}]


_Length = Annotated[float, Field(gt=0, le=100_000, allow_inf_nan=False)]


class Resize(_Edit):
    """Set the width and height of a container; null gives it its natural size."""

    op: Literal["resize"]
    id: _Id
    size: tuple[_Length, _Length] | None

    def apply(self, draft: _Draft) -> list[Op]:
        """Resize it."""
        old = draft.node(self.id).size
        draft.update(self.id, size=self.size)
        return [{"op": "resize", "id": self.id, "size": list(old) if old else None}]


class AddEdge(_Edit):
    """Connect two ports that are not connected yet.

    `index` is for undo: its place in the list. What was there before may come back as it was.
    """

    op: Literal["add_edge"]
    edge: Edge
    index: int | None = Field(None, ge=0, le=MAX_EDGES)

    def apply(self, draft: _Draft) -> list[Op]:
        """Add it."""
        edge = self.edge
        if edge.id in draft.edges:
            _refuse(f"there is already an edge '{edge.id}'")
        if len(draft.edges) >= MAX_EDGES:
            _refuse(f"a graph may have {MAX_EDGES:,} edges")
        draft.node(edge.source)
        draft.node(edge.target)
        if self.index is None and any(edge.same_ports(other) for other in draft.edges.values()):
            _refuse("these two ports are already connected")
        draft.edges = _inserted(draft.edges, edge.id, edge, self.index)
        return [{"op": "remove_edge", "id": edge.id}]


class RemoveEdge(_Edit):
    """Take an edge away."""

    op: Literal["remove_edge"]
    id: _Id

    def apply(self, draft: _Draft) -> list[Op]:
        """Remove it."""
        if self.id not in draft.edges:
            _refuse(f"there is no edge '{self.id}'")
        index = list(draft.edges).index(self.id)
        return [_add_edge(draft.edges.pop(self.id), index)]


class Replace(_Edit):
    """Put another graph in the place of this one."""

    op: Literal["replace"]
    graph: GraphJson

    def apply(self, draft: _Draft) -> list[Op]:
        """Replace it."""
        old = draft.graph()
        try:
            new = read_graph(self.graph)
        except (GraphInvalid, TooLarge) as error:
            _refuse(error.message)
        draft.nodes = {node.id: node for node in new.nodes}
        draft.edges = {edge.id: edge for edge in new.edges}
        draft.unknown = dict(new.model_extra or {})
        return [{"op": "replace", "graph": old.as_json()}]


Edit = Annotated[
    AddNode
    | RemoveNode
    | Move
    | SetConfig
    | SetSettings
    | SetLabel
    | Resize
    | AddEdge
    | RemoveEdge
    | Replace,
    Field(discriminator="op"),
]
EditJson = Annotated[dict[str, Any], SchemaOf(Edit)]
"""An edit as JSON values; `apply` reads it."""

_KINDS = tuple(cls.model_fields["op"].annotation.__args__[0] for cls in get_args(get_args(Edit)[0]))
_EDIT: TypeAdapter[Edit] = TypeAdapter(Edit)


def apply(graph: Graph, ops: Sequence[Op]) -> Applied:
    """Apply edits in order and return the new graph with the edits that undo them.

    An edit whose `was` is not there any more is left out and told.

    Args:
        ops: At most 500. Ids they name must exist at their turn, not at the start.

    Raises:
        EditRefused: An edit would make the graph impossible; nothing is applied. `context["index"]`
            counts from 0.
    """
    if len(ops) > MAX_OPS:
        raise EditRefused(
            f"At most {MAX_OPS} edits can be made at once; these are {len(ops)}.", index=0
        )
    draft = _Draft(graph)
    inverse: list[Op] = []
    overtaken: list[Overtaken] = []
    for index, op in enumerate(ops):
        try:
            undo = _parsed(op).apply(draft)
        except _Overtaken as found:
            overtaken.append(Overtaken(index, found.value))
            continue
        except ValidationError as error:
            raise _refused(op, index, _first_fault(error)) from error
        except _Refused as error:
            raise _refused(op, index, str(error)) from error
        inverse[:0] = undo
    return Applied(draft.graph(), tuple(inverse), tuple(overtaken))


def _parsed(op: object) -> Edit:
    if not isinstance(op, dict) or op.get("op") not in _KINDS:
        _refuse(f"there is no such edit; there are {', '.join(_KINDS)}")
    return _EDIT.validate_python(op)


def _refused(op: object, index: int, reason: str) -> EditRefused:
    name = str(op.get("op", "?"))[:40] if isinstance(op, dict) else "?"
    message = f"Edit {index + 1} ({name.replace('_', ' ')}) cannot be made: {reason}."
    return EditRefused(message, index=index, op=name, reason=reason)


def _first_fault(error: ValidationError) -> str:
    fault = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in fault["loc"] if part not in _KINDS)
    message = fault["msg"].removeprefix("Value error, ")
    return f"{place}: {message}" if place else message


def _check_depth(value: object) -> None:
    if json_depth(value) + _ABOVE_CONFIG > MAX_DEPTH:
        _refuse(f"values may be nested {MAX_DEPTH - _ABOVE_CONFIG} levels deep")


def _add_node(node: NodeRef, index: int) -> Op:
    return {"op": "add_node", "node": node.model_dump(mode="json"), "index": index}


def _add_edge(edge: Edge, index: int) -> Op:
    return {"op": "add_edge", "edge": edge.model_dump(mode="json"), "index": index}


def _additions(
    values: dict[str, _T], gone: set[str], order: Iterable[str], make: Callable[[_T, int], Op]
) -> list[Op]:
    """Edits that bring removed values back one by one, each to where it stood among the others."""
    place = {key: index for index, key in enumerate(values)}
    there = [place[key] for key in values if key not in gone]
    ops = []
    for key in order:
        ops.append(make(values[key], bisect_left(there, place[key])))
        insort(there, place[key])
    return ops

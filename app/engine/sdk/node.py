"""The declaration of a node type: configuration, ports, run function and examples in one place."""

import inspect
import types
import typing
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, ClassVar, Literal, cast

from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import to_jsonable_python

from app.engine.sdk.context import NodeContext

PORT_TYPES = (
    "any",
    "text",
    "number",
    "boolean",
    "object",
    "list",
    "file",
    "message",
    "document",
    "tool",
)
"""Types of ports; `any` fits all but `tool`, text takes numbers and booleans too."""

ERROR_PORT = "error"
TOOL_PORT = "tool"
"""Implicit output port of a node type with `tool=True`: wired into an agent's `tools` slot."""

Effects = Literal["none", "external", "pauses"]
Join = Literal["decided", "all", "any", "first"]
"""When a node with several incoming edges starts: `decided`: when all are decided and at least one is alive; `all`:
only if all are alive; `any`: as soon as one is alive; `first`: the same, and what leads only here is stopped."""
Mode = Literal["template", "expression", "literal"]


def field(
    default: Any = ...,
    *,
    title: str,
    widget: str = "",
    mode: Mode = "template",
    placeholder: str = "",
    options: Sequence[str] = (),
    advanced: bool = False,
    socket: bool = True,
    show_if: Mapping[str, Any] | None = None,
    later: bool = False,
    needed: bool | Mapping[str, Any] = False,
    **constraints: Any,
) -> Any:
    """Declare a field of a form or a port, with what the inspector needs to draw it.

    Args:
        widget: text, prompt, code, expression, model, workflow, choice, list, fields, schema, key_value, json;
            empty: by type.
        mode: `template` evaluates `{{ }}` in texts, `expression` evaluates the whole text, `literal` does neither.
        socket: For outputs: False hides the port on the canvas; the value is still in `nodes.<id>`.
        show_if: Other fields, and the values with which this one is shown.
        needed: The check reports an empty value although the field has a default: always, or with these values of
            other fields.
        later: An expression that the node gets as text and evaluates itself, with the names of its body.
    """
    extra: dict[str, Any] = {"mode": mode}
    if widget:
        extra["widget"] = widget
    if placeholder:
        extra["placeholder"] = placeholder
    if options:
        extra["options"] = list(options)
    if advanced:
        extra["advanced"] = True
    if not socket:
        extra["socket"] = False
    if show_if:
        extra["show_if"] = dict(show_if)
    if later:
        extra["later"] = True
    if needed:
        extra["needed"] = needed
    if "default_factory" in constraints:
        return Field(title=title, json_schema_extra=extra, **constraints)
    return Field(default, title=title, json_schema_extra=extra, **constraints)


def port(
    default: Any = None,
    *,
    title: str,
    type: str = "",  # noqa: A002 - the word of the domain
    many: bool = False,
    branch: bool = False,
    socket: bool = True,
    **constraints: Any,
) -> Any:
    """Declare a port whose annotation does not say enough; it is optional unless `default` is `...`.

    Args:
        type: One of PORT_TYPES; empty: by the annotation.
        branch: One of several outputs of which only some come alive, such as the two sides of a condition.
        socket: For outputs: False hides the port on the canvas; the value is still in `nodes.<id>`.
    """
    extra: dict[str, Any] = {"port_type": type, "many": many, "branch": branch, "socket": socket}
    return Field(default, title=title, json_schema_extra=extra, **constraints)


class NodeConfig(BaseModel):
    """Base of a node's configuration; its JSON Schema is the inspector's form."""

    model_config = ConfigDict(extra="forbid", validate_default=True)


class Ports(BaseModel):
    """Base of a node's inputs or outputs; each field is a port."""

    # NaN is not to become null unseen: the runtime refuses it.
    model_config = ConfigDict(
        extra="forbid", arbitrary_types_allowed=False, ser_json_inf_nan="constants"
    )


class Port(BaseModel):
    """One typed socket. `many` takes several edges; a port that is not `socket` is data only."""

    model_config = ConfigDict(frozen=True)

    name: str
    type: str = "any"
    title: str = ""
    required: bool = False
    many: bool = False
    branch: bool = False
    socket: bool = True
    json_schema: Mapping[str, Any] = {}


@dataclass(frozen=True)
class Result:
    """Output values by port name, for nodes whose ports depend on their form or that choose a branch.

    Args:
        values: Port name to JSON value.
        alive: Output ports whose edges live on; None means all.
    """

    values: Mapping[str, Any]
    alive: frozenset[str] | None = None


@dataclass(frozen=True)
class Example:
    """A call with its expected result; the first tests of a node type and the examples on its page.

    Args:
        out: Expected output (a subset of the real one when a dict), or the error class it raises.
        world: Answers of fakes, see engine.testing: model texts, http replies, a person's answer.
    """

    title: str
    config: NodeConfig
    inputs: Ports
    out: Ports | Mapping[str, Any] | None = None
    raises: type[BaseException] | None = None
    alive: frozenset[str] | None = None
    world: Mapping[str, Any] | None = None


Run = Callable[[Any, Any, NodeContext], Coroutine[Any, Any, Any]]


@dataclass(frozen=True)
class NodeType:
    """Everything the product knows about one kind of node."""

    kind: str
    version: int
    title: str
    category: str
    icon: str
    summary: str
    description: str
    config: type[NodeConfig]
    inputs: type[Ports]
    outputs: type[Ports]
    run: Run
    effects: Effects
    retry_safe: bool
    trigger: bool
    container: bool
    tool: bool
    uses_model: bool
    quick: bool
    light: bool
    responds: bool
    merges: bool
    examples: tuple[Example, ...]
    ports_for: Callable[[Mapping[str, Any]], tuple[Port, ...]] | None
    upgrades: Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]]
    input_schema_for: Callable[[Mapping[str, Any]], dict[str, Any]] | None = None
    reads_only: Callable[[Mapping[str, Any]], bool] | None = None
    retry_safe_for: Callable[[Mapping[str, Any]], bool] | None = None
    stops: bool = False
    body_names: tuple[str, ...] = ()
    join_for: Callable[[Mapping[str, Any]], Join] | None = None
    iterations_apart: bool = False
    tries: int = 1

    noun: ClassVar[str] = "node type"

    @property
    def module(self) -> str:
        """Where it is declared."""
        return self.run.__module__

    def changes_nothing(self, config: Mapping[str, Any]) -> bool:
        """Whether a step with this resolved form has no effect on the outside world."""
        if self.effects == "none":
            return True
        return self.reads_only is not None and self.reads_only(config)

    def may_repeat(self, config: Mapping[str, Any]) -> bool:
        """Whether a step with this resolved form may simply run again after it was cut off."""
        if self.effects != "external" or self.retry_safe or self.changes_nothing(config):
            return True
        return self.retry_safe_for is not None and self.retry_safe_for(config)

    @cached_property
    def default_config(self) -> dict[str, Any]:
        """The form of a new node as JSON values, without the fields that have no default."""
        fields = self.config.model_fields.items()
        given = {
            name: info.get_default(call_default_factory=True)
            for name, info in fields
            if not info.is_required()
        }
        return cast("dict[str, Any]", to_jsonable_python(given))

    def input_ports(self) -> tuple[Port, ...]:
        """Sockets on the left, in order."""
        return ports_of(self.inputs)

    def output_ports(self, config: Mapping[str, Any]) -> tuple[Port, ...]:
        """Sockets on the right for this configuration, the declared ones first."""
        extra = self.ports_for(config) if self.ports_for else ()
        return (*ports_of(self.outputs), *extra)

    def config_schema(self) -> dict[str, Any]:
        """JSON Schema of the form; texts may hold `{{ }}` unless a field's `mode` is literal."""
        return self.config.model_json_schema()


def port_type(annotation: Any) -> str:
    """Name the port type of a Python annotation: `str` is text, `list[str]` list, `X | None` as X."""
    origin = typing.get_origin(annotation)
    if origin in (typing.Union, types.UnionType):
        inner = {port_type(arg) for arg in typing.get_args(annotation) if arg is not type(None)}
        return inner.pop() if len(inner) == 1 else "any"
    if origin is Literal:
        return "text"
    base = origin or annotation
    if base is bool:
        return "boolean"
    if base in (int, float):
        return "number"
    if base is str:
        return "text"
    if inspect.isclass(base):
        if issubclass(base, (list, tuple, set)):
            return "list"
        if issubclass(base, (dict, BaseModel)) or base is Mapping:
            return "object"
    return "any"


@lru_cache(512)
def ports_of(ports: type[Ports]) -> tuple[Port, ...]:
    """Derive the ports from the fields of a Ports class, once."""
    schema = ports.model_json_schema().get("properties", {})
    found = []
    for name, info in ports.model_fields.items():
        extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
        found.append(
            Port(
                name=name,
                type=str(extra.get("port_type", "")) or port_type(info.annotation),
                title=info.title or name.replace("_", " "),
                required=info.is_required(),
                many=bool(extra.get("many", False)),
                branch=bool(extra.get("branch", False)),
                socket=bool(extra.get("socket", True)),
                json_schema={
                    k: v
                    for k, v in schema.get(name, {}).items()
                    if k in ("type", "items", "enum", "description")
                },
            )
        )
    return tuple(found)


def node(
    *,
    kind: str,
    title: str,
    icon: str,
    version: int = 1,
    effects: Effects = "none",
    retry_safe: bool = False,
    trigger: bool = False,
    container: bool = False,
    tool: bool = False,
    uses_model: bool = False,
    quick: bool = False,
    light: bool = False,
    responds: bool = False,
    merges: bool = False,
    stops: bool = False,
    body_names: Sequence[str] = ("item", "index"),
    examples: Sequence[Example] = (),
    ports_for: Callable[[Mapping[str, Any]], tuple[Port, ...]] | None = None,
    input_schema_for: Callable[[Mapping[str, Any]], dict[str, Any]] | None = None,
    reads_only: Callable[[Mapping[str, Any]], bool] | None = None,
    retry_safe_for: Callable[[Mapping[str, Any]], bool] | None = None,
    join_for: Callable[[Mapping[str, Any]], Join] | None = None,
    upgrades: Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]] | None = None,
    iterations_apart: bool = False,
    tries: int = 1,
) -> Callable[[Run], NodeType]:
    """Turn an `async def run(config: Config, inputs: In, ctx)` into a NodeType.

    Args:
        kind: Dotted stable word stored in graphs, such as `data.template`. The category is the file's folder.
        icon: The name of any icon of Lucide, such as `file-text`.
        effects: `none` may be repeated and cached; `external` changes the outside world; `pauses` waits for a person
            or a time.
        retry_safe: An external effect that carries `ctx.step_key` and may therefore be repeated.
        trigger: Starts a run: has no inputs, and `input_schema_for(config)` says what the run is given.
        container: Owns a body of nodes and runs it through `ctx.run_body`.
        tool: May be wired into an agent's tool slot.
        quick: No I/O, no user code, no wait: the web process may run it.
        light: Awaits the outside without blocking, and runs no user code: the web process may run it for a waiting
            caller.
        responds: Its output is the run's output.
        merges: Takes several edges on its input and gets their values as a list.
        stops: When it ends, the run ends: succeeded with its value, or failed with its error.
        body_names: What a container gives to expressions in its body; the first is also what arrives at nodes there
            that nothing is wired to.
        ports_for: More output ports, from the configuration.
        reads_only: Whether an `external` node only reads with this configuration.
        retry_safe_for: As `retry_safe`, for this configuration.
        join_for: When the node starts, from the configuration.
        iterations_apart: The iterations of its body are independent of each other.
        tries: How often a step is tried when its settings say nothing, if it may be repeated and the failure is
            transient (`passing` in the error's context).
    """

    def declare(run: Run) -> NodeType:
        hints = typing.get_type_hints(run)
        names = list(inspect.signature(run).parameters)
        module = inspect.getmodule(run)
        text = inspect.cleandoc((module.__doc__ if module else "") or run.__doc__ or "")
        summary, _, rest = text.partition("\n")
        outputs = hints["return"]
        return NodeType(
            kind=kind,
            version=version,
            title=title,
            category=Path(inspect.getfile(run)).parent.name,
            icon=icon,
            summary=summary.strip(),
            description=rest.strip(),
            config=hints[names[0]],
            inputs=hints[names[1]],
            outputs=outputs
            if inspect.isclass(outputs) and issubclass(outputs, Ports)
            else _declared(module),
            run=run,
            effects=effects,
            retry_safe=retry_safe or effects == "none",
            trigger=trigger,
            container=container,
            tool=tool,
            uses_model=uses_model,
            quick=quick,
            light=light,
            responds=responds,
            merges=merges,
            examples=tuple(examples),
            ports_for=ports_for,
            upgrades=dict(upgrades or {}),
            input_schema_for=input_schema_for,
            reads_only=reads_only,
            retry_safe_for=retry_safe_for,
            stops=stops,
            body_names=tuple(body_names) if container else (),
            join_for=join_for,
            iterations_apart=iterations_apart,
            tries=tries,
        )

    return declare


def _declared(module: types.ModuleType | None) -> type[Ports]:
    """The class `Out` of the module, for run functions that return a Result."""
    declared: type[Ports] = getattr(module, "Out", Ports)
    return declared

"""Small node types for tests of graphs."""

from typing import Any, Literal

from pydantic import field_validator

from app.engine.catalog import Catalog
from app.engine.sdk import (
    NodeConfig,
    NodeContext,
    NodeType,
    Port,
    Ports,
    as_text,
    field,
    node,
    port,
)


class Empty(NodeConfig):
    pass


class Nothing(Ports):
    pass


class Any1(Ports):
    input: Any = port(title="Input")


class Value(Ports):
    value: Any = port(title="Value")


class Text1(Ports):
    text: str = port(..., title="Text")


class Rows(Ports):
    rows: list[str] = port(..., title="Rows")


class Two(Ports):
    left: Any = port(title="Left")
    right: Any = port(title="Right")


class AgentIn(Ports):
    input: Any = port(title="Input")
    tools: list[Any] = port([], title="Tools", type="tool", many=True)


class Prompt(NodeConfig):
    prompt: str = field("{{ input }}", title="Prompt", min_length=1, max_length=200)
    size: int = field(3, title="Size", ge=1, le=9)
    color: Literal["red", "green"] = field("red", title="Color")
    when: Any = field(None, title="When", mode="expression")
    extra: str = field("", title="Extra", show_if={"color": "green"})
    code: str = field("", title="Code", mode="literal")


class Case(NodeConfig):
    name: str = field(..., title="Name", mode="literal", min_length=1)
    when: Any = field(..., title="When", mode="expression")
    note: str = field("", title="Note")


class Cases(NodeConfig):
    cases: list[Case] = field(..., title="Cases", min_length=1)
    pair: dict[str, str] | None = field(None, title="Pair")

    @field_validator("cases")
    @classmethod
    def _distinct(cls, cases: list[Case]) -> list[Case]:
        if len({case.name for case in cases}) != len(cases):
            raise ValueError("two cases have one name")
        return cases


def _cases(config: dict[str, Any]) -> tuple[Port, ...]:
    return tuple(Port(name=as_text(case["name"]), branch=True) for case in config["cases"])


class Form(NodeConfig):
    fields: list[str] = field([], title="Fields", mode="literal")


def _schema(config: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": {name: {} for name in config["fields"]}}


def make(kind: str, config: type, inputs: type, outputs: type, **options: Any) -> NodeType:
    """A node type that is never run."""

    async def run(config, inputs, ctx):
        """Do nothing."""

    run.__annotations__ = {
        "config": config,
        "inputs": inputs,
        "ctx": NodeContext,
        "return": outputs,
    }
    title = options.pop("title", kind.partition(".")[2].replace("_", " ").capitalize())
    return node(kind=kind, title=title, icon="box", **options)(run)


KINDS = Catalog(
    [
        make("trigger.start", Form, Nothing, Value, trigger=True, input_schema_for=_schema),
        make("trigger.chatty", Empty, Nothing, Two, trigger=True),
        make("data.prompt", Prompt, Any1, Text1, version=2),
        make("data.need", Empty, Text1, Text1),
        make("data.rows", Empty, Any1, Rows),
        make("data.pair", Prompt, Two, Value),
        make("logic.cases", Cases, Any1, Value, ports_for=_cases),
        make("logic.merge", Empty, Rows, Value, merges=True),
        make("logic.loop", Empty, Any1, Rows, container=True),
        make("agent.run", Prompt, AgentIn, Text1, tool=True),
        make("tool.web", Prompt, Any1, Value, tool=True),
        make("flow.note", Empty, Nothing, Nothing),
    ]
)

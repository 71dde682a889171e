"""The page of a node type, made from its declaration: Markdown for docs/nodes."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from app.engine.catalog import example_json
from app.engine.sdk import NodeType, Port

_KINDS = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "yes or no",
    "array": "list",
    "object": "object",
    "null": "nothing",
}
_MODES = {
    "later": "one expression, without braces, evaluated for each turn",
    "expression": "one expression, without braces",
    "literal": "taken as it is",
}


def render(node_type: NodeType) -> str:
    """Write the page of a node type."""
    parts = [
        f"# {node_type.title}",
        f"`{node_type.kind}` · version {node_type.version} · {node_type.category}",
        node_type.summary,
        node_type.description,
        *_section("Behaviour", _list(_behaviour(node_type))),
        *_section("Form", _fields(node_type.config_schema())),
        *_section("Inputs", _inputs(node_type.input_ports())),
        *_section("Outputs", _outputs(node_type)),
        *_section("Examples", "\n\n".join(map(_example, map(example_json, node_type.examples)))),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _section(title: str, text: str) -> tuple[str, ...]:
    return (f"## {title}", text) if text else ()


def _list(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _behaviour(node_type: NodeType) -> Iterable[str]:
    if node_type.trigger:
        yield "Starts a run."
    if node_type.responds:
        yield "Its output is the output of the run."
    if node_type.stops:
        yield "Ends the run at once; what is still at work is canceled."
    if node_type.container:
        names = " and ".join(f"`{name}`" for name in node_type.body_names)
        yield f"Has a body: the nodes placed inside it. They know {names}."
    if node_type.merges:
        yield "Takes several connections on its input and gets their values as a list."
    if node_type.tool:
        yield "Can be a tool: connect its tool port to an agent."
    if node_type.uses_model:
        yield "Calls a model."
    yield from _effects(node_type)


def _effects(node_type: NodeType) -> Iterable[str]:
    if node_type.effects == "pauses":
        yield "Waits without using anything; the run goes on with what it waits for."
    if node_type.effects == "external" and not node_type.retry_safe:
        yield "Changes things outside: a step that was cut off is not repeated without asking."
        if node_type.reads_only is not None:
            yield "Where it only reads, it is simply repeated."
    elif node_type.effects == "external":
        yield "Acts outside with a key that makes repeating it safe."


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [_row(row) for row in rows]
    return "\n".join([_row(head), _row(("---",) * len(head)), *lines]) if lines else ""


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |"


def _fields(schema: Mapping[str, Any]) -> str:
    head = ("Field", "Name", "Value", "Default", "Meaning")
    tables = [_table(head, _field_rows(schema))]
    for name, inner in schema.get("$defs", {}).items():
        if inner.get("type") == "object":
            title = str(inner.get("description") or name)
            tables.append(f"### {name}\n\n{title}\n\n{_table(head, _field_rows(inner))}")
    return "\n\n".join(table for table in tables if table)


def _field_rows(schema: Mapping[str, Any]) -> Iterable[tuple[str, ...]]:
    required = schema.get("required", ())
    for name, field in schema.get("properties", {}).items():
        default = "required" if name in required else f"`{_short(field.get('default'))}`"
        yield (
            str(field.get("title", name)),
            f"`{name}`",
            _value(field),
            default if name in required or "default" in field else "",
            _meaning(field),
        )


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}…"


def _value(field: Mapping[str, Any]) -> str:
    options = field.get("anyOf") or field.get("oneOf")
    if options:
        return " or ".join(dict.fromkeys(_value(option) for option in options))
    if "$ref" in field:
        return str(field["$ref"]).rpartition("/")[2]
    if "enum" in field:
        return ", ".join(f"`{choice}`" for choice in field["enum"])
    if "const" in field:
        return f"`{field['const']}`"
    if field.get("type") == "array" and field.get("items"):
        return f"list of {_value(field['items'])}"
    return _KINDS.get(str(field.get("type")), "any value")


def _meaning(field: Mapping[str, Any]) -> str:
    limits = [
        text.format(field[key])
        for key, text in (
            ("minimum", "at least {}"),
            ("exclusiveMinimum", "more than {}"),
            ("maximum", "at most {}"),
            ("maxLength", "at most {} letters"),
            ("minItems", "at least {} items"),
            ("maxItems", "at most {} items"),
        )
        if key in field
    ]
    mode = (
        ""
        if "enum" in field
        else _MODES.get("later" if field.get("later") else str(field.get("mode")), "")
    )
    facts = ", ".join(part for part in (mode, *limits) if part)
    sentences = (str(field.get("description") or ""), facts[:1].upper() + facts[1:])
    return " ".join(f"{part.rstrip('.')}." for part in sentences if part)


def _inputs(ports: Iterable[Port]) -> str:
    return _table(
        ("Port", "Name", "Value", ""),
        (
            (
                port.title,
                f"`{port.name}`",
                port.type,
                ", ".join(
                    note
                    for note, holds in (("required", port.required), ("several", port.many))
                    if holds
                ),
            )
            for port in ports
        ),
    )


def _outputs(node_type: NodeType) -> str:
    ports = node_type.output_ports(node_type.default_config)
    table = _table(
        ("Port", "Name", "Value", ""),
        ((port.title, f"`{port.name}`", port.type, _output_notes(port)) for port in ports),
    )
    more = "More ports come from the form." if node_type.ports_for else ""
    return "\n\n".join(part for part in (table, more) if part)


def _output_notes(port: Port) -> str:
    notes = (
        ("a branch, goes on only when it is chosen", port.branch),
        ("only for expressions, no socket", not port.socket),
    )
    return ", ".join(note for note, holds in notes if holds)


def _example(example: Mapping[str, Any]) -> str:
    shown = {key: value for key, value in example.items() if key != "title" and value != {}}
    text = json.dumps(shown, indent=2, ensure_ascii=False)
    title = str(example["title"])
    return f"**{title[:1].upper()}{title[1:]}**\n\n```json\n{text}\n```"

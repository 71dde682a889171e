"""Checks of the fields of nodes: missing or unfit values and secrets; and unknown kinds."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from app.engine.expressions import Leaf, empty_places, field_titles, leaves, texts
from app.engine.graph.checks.view import View
from app.engine.graph.document import NodeRef
from app.engine.graph.places import NOTHING, at
from app.engine.graph.ports import filled, form_schema
from app.engine.graph.problem import Fix, Problem
from app.engine.sdk import NodeType, as_text
from app.kernel.errors import AppError

Place = tuple[str | int, ...]

_NEEDS = {
    "int_type": "takes a whole number",
    "int_parsing": "takes a whole number",
    "int_from_float": "takes a whole number",
    "float_type": "takes a number",
    "float_parsing": "takes a number",
    "finite_number": "takes a number",
    "bool_type": "takes yes or no",
    "bool_parsing": "takes yes or no",
    "string_type": "takes a text",
    "dict_type": "takes an object with fields",
    "mapping_type": "takes an object with fields",
    "model_type": "takes an object with fields",
    "model_attributes_type": "takes an object with fields",
    "list_type": "takes a list",
    "tuple_type": "takes a list",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "string_too_short": "needs at least {min_length} letters",
    "string_too_long": "may have at most {max_length:,} letters",
    "too_short": "needs at least {min_length} entries",
    "too_long": "may have at most {max_length} entries",
    "string_pattern_mismatch": "has letters that are not allowed here",
    "extra_forbidden": "is not a field of this node",
}
_OWN_RULES = frozenset({"value_error", "assertion_error"})

_SECRETS = re.compile(
    r"""\b(?:sk|pk|rk)-[A-Za-z0-9_-]{16,}|\b(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{16,}
    |\bgh[pousr]_[A-Za-z0-9]{20,}|\bgithub_pat_\w{20,}|\bglpat-[\w-]{16,}|\bxox[abeprs]-[\w-]{10,}
    |\bAKIA[0-9A-Z]{16}\b|\bAIza[\w-]{30,}|\bhf_[A-Za-z0-9]{20,}|-----BEGIN\ [A-Z ]*PRIVATE\ KEY
    |\bey[A-Za-z0-9_-]{10,}\.ey[A-Za-z0-9_-]{10,}\.|\b(?:bearer|basic)\s+(?=\S*\d)[A-Za-z0-9._~+/-]{20,}""",
    re.VERBOSE | re.IGNORECASE,
)
_HINTS = (
    *("sk-", "pk-", "rk-", "sk_", "rk_", "gh", "glpat-", "xox", "akia", "aiza", "hf_"),
    *("private key", "ey", "bearer", "basic"),
)
"""Every text that the pattern matches has one of these; looking for them first is much faster."""
_SECRET_NAME = re.compile(r"api[_-]?key|token|secret|passw|authorization|credential", re.IGNORECASE)
_TOKEN = re.compile(r"(?=\S*\d)(?=\S*[A-Za-z])[^\s{}]{20,}")


def check_forms(view: View) -> Iterator[Problem]:
    """Check the kind and the form of every node."""
    for node in view.graph.nodes:
        node_type = view.types.get(node.id)
        if node_type is None:
            yield _unknown_kind(view, node)
        elif not view.is_off(node):
            yield from _form(view, node, node_type)
        yield from _secrets(view, node)


def _unknown_kind(view: View, node: NodeRef) -> Problem:
    known = view.catalog.get(node.kind)
    if known and node.version < 1:
        why = f"has the version {node.version} of “{known.title}”, which never was"
    elif known:
        why = f"was made with a newer version ({node.version}) of “{known.title}” than this one"
    else:
        why = f"is of a kind this installation does not have: `{node.kind}`"
    return Problem(
        code="unknown_kind",
        severity="error",
        message=f"{view.name(node.id)} {why}. Its settings are kept. Replace or delete it to run.",
        node_id=node.id,
        fix=Fix(title="Delete the node", ops=({"op": "remove_node", "id": node.id},)),
    )


def _form(view: View, node: NodeRef, node_type: NodeType) -> Iterator[Problem]:
    config, schema = filled(node, node_type), form_schema(node_type)
    seen: set[Place] = set()
    for place in empty_places(config, schema):
        seen.add(place)
        yield _incomplete(view, node, node_type, place)
    try:
        node_type.config.model_validate(config)
    except ValidationError as error:
        dynamic = list(leaves(config, schema))
        for fault in error.errors(include_url=False):
            place = _place(config, fault["loc"])
            if place not in seen and not _is_excused(fault["type"], place, dynamic):
                seen.add(place)
                yield _fault(view, node, node_type, place, fault)
    except (AppError, TypeError, AttributeError, LookupError):
        yield Problem(
            code="bad_value",
            severity="error",
            message=f"{view.name(node.id)}: the form cannot be read. Look at its fields.",
            node_id=node.id,
        )


def _place(config: Mapping[str, Any], loc: Iterable[str | int]) -> Place:
    """The place in the form; pydantic also names the alternatives of a union on the way."""
    place: Place = ()
    parts = list(loc)
    for index, part in enumerate(parts):
        if at(config, (*place, part)) is not NOTHING or (
            index == len(parts) - 1 and isinstance(at(config, place), Mapping)
        ):
            place = (*place, part)
    return place


def _is_excused(kind: str, place: Place, dynamic: Iterable[Leaf]) -> bool:
    """Whether the value is not known yet: it is an expression, or a rule is about one inside it.

    Fields that are always expressions do not excuse a rule: its author knows them as such.
    """
    return any(
        leaf.place == place[: len(leaf.place)]
        or (kind in _OWN_RULES and leaf.mode == "template" and leaf.place[: len(place)] == place)
        for leaf in dynamic
    )


def _fault(
    view: View, node: NodeRef, node_type: NodeType, place: Place, fault: Mapping[str, Any]
) -> Problem:
    if fault["type"] == "missing":
        return _incomplete(view, node, node_type, place)
    where = _where(node_type, place)
    colon = ":" if fault["type"] in _OWN_RULES and where else ""
    return Problem(
        code="bad_value",
        severity="error",
        message=f"{view.name(node.id)}: {where}{colon} {_sentence(fault)}.".replace(":  ", ": "),
        node_id=node.id,
        field=".".join(map(str, place)) or None,
        fix=_mend(node, node_type, place, fault["type"]),
    )


def _incomplete(view: View, node: NodeRef, node_type: NodeType, place: Place) -> Problem:
    """The problem of a field that must not be empty, whether it is not there or blank."""
    return Problem(
        code="missing_field",
        severity="error",
        message=f"{view.name(node.id)} is not complete: fill in {_where(node_type, place)}.",
        node_id=node.id,
        field=".".join(map(str, place)) or None,
        fix=_mend(node, node_type, place, "missing"),
    )


def _where(node_type: NodeType, place: Place) -> str:
    titles = field_titles(form_schema(node_type), place)
    return " → ".join(
        f"“{title}”" if isinstance(title, str) else f"no. {title}" for title in titles
    )


def _sentence(fault: Mapping[str, Any]) -> str:
    if fault["type"] in _OWN_RULES:
        return str(fault["msg"]).partition(", ")[2].rstrip(".")
    text = _NEEDS.get(fault["type"])
    if text is None:
        return f"does not fit: {fault['msg']}"
    return text.format(**{"expected": "", **fault.get("ctx", {})})


def _mend(node: NodeRef, node_type: NodeType, place: Place, kind: str) -> Fix | None:
    op: dict[str, Any] = {"op": "set_config", "id": node.id, "path": list(place)}
    if kind == "extra_forbidden":
        return Fix(title="Remove it", ops=(op,))
    default, value = at(node_type.default_config, place), at(node.config, place)
    if default is NOTHING or value is NOTHING or default == value or default in ("", [], {}):
        return None
    text = as_text(default)
    shown = "Use the default" if default is None or len(text) > 30 else f"Use the default ({text})"
    return Fix(title=shown, ops=({**op, "value": default},))


def _is_secret(place: Place, text: str) -> bool:
    low = text.lower()
    if any(hint in low for hint in _HINTS) and _SECRETS.search(text):
        return True
    named = any(isinstance(part, str) and _SECRET_NAME.search(part) for part in place)
    return named and _TOKEN.fullmatch(text.strip()) is not None


def _secrets(view: View, node: NodeRef) -> Iterator[Problem]:
    for place, text in texts(node.config):
        if len(text) < 16:
            continue
        if not _is_secret(place, text):
            continue
        titles = (
            field_titles(form_schema(view.types[node.id]), place) if node.id in view.types else []
        )
        where = next((title for title in titles if isinstance(title, str)), str(place[0]))
        yield Problem(
            code="secret_in_field",
            severity="warning",
            message=(
                f"{view.name(node.id)}: “{where}” seems to hold a secret. Everybody who can open "
                "this workflow can read it, and so can its exports and runs."
            ),
            node_id=node.id,
            field=".".join(map(str, place)),
            fix=Fix(
                title="Empty the field",
                ops=({"op": "set_config", "id": node.id, "path": list(place), "value": ""},),
            ),
        )

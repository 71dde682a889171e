"""Prepares the arguments of a run function: its form with expressions resolved, and its inputs. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from app.engine.host import MAX_OUTPUT_BYTES
from app.engine.runtime.plan import PlanNode
from app.engine.sdk import InvalidInput, Json, NodeConfig, Ports
from app.kernel.errors import ConfigInvalid


@dataclass(frozen=True)
class Prepared:
    """Arguments of a run function, and the configuration as JSON for the record."""

    config: NodeConfig
    inputs: Ports
    resolved: dict[str, Json]


def prepare(
    node: PlanNode,
    values: Mapping[str, Json],
    names: Mapping[str, Json],
    most_bytes: int = MAX_OUTPUT_BYTES,
) -> Prepared:
    """Resolve and check what a node is called with.

    Args:
        most_bytes: The maximum total size of the expressions' values.

    Raises:
        ExpressionError: An expression of the form failed.
        ConfigInvalid: With its expressions resolved the form does not fit; `context["field"]` names the field.
        InvalidInput: Something is missing at an input port or does not fit it.
    """
    return prepare_given(node, values, node.form.resolve(names, most_bytes))


def prepare_given(node: PlanNode, values: Mapping[str, Json], resolved: Json) -> Prepared:
    """Check what a node is called with when its form is already resolved.

    Raises:
        ConfigInvalid, InvalidInput: As `prepare`.
    """
    try:
        config = node.type.config.model_validate(resolved)
    except ValidationError as error:
        field, sentence = _first_fault(error, node.type.config)
        raise ConfigInvalid(f"{sentence} in '{node.label}'.", field=field) from error
    try:
        inputs = node.type.inputs.model_validate(dict(values))
    except ValidationError as error:
        port, sentence = _first_fault(error, node.type.inputs)
        raise InvalidInput(f"{sentence} at the input of '{node.label}'.", port=port) from error
    return Prepared(config, inputs, resolved)


def _first_fault(error: ValidationError, model: type[BaseModel]) -> tuple[str, str]:
    """Place and message of the first thing that does not fit."""
    fault: Any = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, fault["loc"]))
    info = model.model_fields.get(str(fault["loc"][0])) if fault["loc"] else None
    title = (info.title if info else None) or place
    if fault["type"] == "missing":
        return place, f"'{title}' is missing"
    return place, f"'{title}' does not fit: {fault['msg'].removeprefix('Value error, ')}"

"""What a node returned, as JSON values by port: checked against the rules of `kernel.jsons`, and bounded. Pure."""

import math

from pydantic_core import PydanticSerializationError, to_jsonable_python

from app.engine.runtime.plan import PlanNode
from app.engine.runtime.results import without_error
from app.engine.runtime.substitutes import Output
from app.engine.sdk import Json, Ports, Result
from app.kernel import jsons
from app.kernel.errors import OutputInvalid, OutputTooLarge


def checked(node: PlanNode, result: object, most_bytes: int) -> Output:
    """Turn what a node returned into JSON values by port, and the ports that are alive.

    Raises:
        OutputInvalid: A value is not JSON; the message names the place.
        OutputTooLarge: All values together have more bytes than a step may output.
    """
    if not isinstance(result, (Ports, Result)):
        raise OutputInvalid(f"'{node.label}' gave back {type(result).__name__}, not its ports.")
    alive = without_error(node)
    if isinstance(result, Result) and result.alive is not None:
        alive = tuple(sorted(result.alive))
    try:
        given = _dumped(result)
        size = jsons.size_of(given)
        if size is None:
            given = {name: jsons.settled(value, name) for name, value in given.items()}
            size = jsons.size_of(given) or 0
    except (PydanticSerializationError, jsons.NotJson, UnicodeDecodeError) as error:
        raise OutputInvalid(f"'{node.label}' gave a value that is not JSON: {error}.") from error
    if size > most_bytes:
        raise OutputTooLarge(
            f"'{node.label}' gave {_megabytes(size)} MB; a step may give {_megabytes(most_bytes)} MB. "
            "Give less, such as only the fields that are needed, or let an administrator raise "
            "AGENTLOOM_MAX_OUTPUT_MB (at most 100).",
            size_bytes=size,
        )
    return given, alive


def _dumped(result: Ports | Result) -> dict[str, Json]:
    """The values by port as pydantic serializes them; it cannot represent lone surrogates in keys."""
    try:
        if isinstance(result, Ports):
            return result.model_dump(mode="json")
        return dict(to_jsonable_python(dict(result.values)))
    except UnicodeEncodeError:
        values = result.model_dump() if isinstance(result, Ports) else result.values
        return {name: jsons.settled(value, name) for name, value in values.items()}


def _megabytes(size: int) -> str:
    """In units of 2^20 bytes, rounded up."""
    return f"{math.ceil(size * 10 / (1 << 20)) / 10:,.1f}".removesuffix(".0")

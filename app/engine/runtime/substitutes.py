"""What stands in for executing a node: a pinned output, or one that is still fresh."""

import hashlib
import logging
from collections.abc import Mapping

import orjson

from app.engine.host import CachedOutput
from app.engine.runtime.execution import Step
from app.engine.runtime.prepare import Prepared
from app.engine.runtime.results import ports_with
from app.engine.sdk import Json
from app.kernel.errors import AppError

logger = logging.getLogger(__name__)

Output = tuple[dict[str, Json], tuple[str, ...] | None]


def pinned(step: Step) -> Output | None:
    """The output that the request pins for this step or its node, else the graph in a manual run."""
    request, node = step.execution.request, step.node
    found = request.pins.get(step.record.path, request.pins.get(node.id))
    if found is None and request.by_hand:
        found = node.ref.settings.pinned
    if found is None:
        return None
    output = {name: value for name, value in found.items() if name in node.outputs}
    return output, ports_with(node, output)


def cache_key(step: Step, values: Mapping[str, Json], prepared: Prepared) -> str | None:
    """The hash of everything that determines a step's output; None when it is not to be reused.

    An effect must happen, a body and tools determine more than is visible here, and a trigger starts the run.
    """
    node, node_type = step.node, step.node.type
    if not node.ref.settings.cache_s or node.tools or node_type.container or node_type.trigger:
        return None
    if not node_type.changes_nothing(prepared.resolved):
        return None
    parts = [
        step.execution.request.workspace_id,
        node_type.kind,
        node_type.version,
        node.outputs,
        prepared.resolved,
        values,
    ]
    try:
        data = orjson.dumps(parts, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    except TypeError:
        return None
    return hashlib.sha256(data).hexdigest()


async def remembered(step: Step, key: str) -> Output | None:
    """The output of an earlier step with this key, while it is fresh; a failing cache has none."""
    try:
        found = await step.execution.host.cache.get(key)
    except AppError as error:
        logger.warning("the cache of steps does not answer", extra={"error": error.message})
        return None
    return None if found is None else (found.output, found.alive)


async def remember(step: Step, key: str, output: Output) -> None:
    """Cache an output for as long as the node's settings say."""
    try:
        await step.execution.host.cache.put(
            key, CachedOutput(*output), step.node.ref.settings.cache_s
        )
    except AppError as error:
        logger.warning("an output was not kept", extra={"error": error.message})

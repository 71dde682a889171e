"""The draft behind a version, the plan it compiles to, and the hash that identifies it."""

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson
from sqlmodel import col

from app.adapters.sql.database import UnitOfWork
from app.engine.catalog import catalog
from app.engine.graph.upgrades import open_graph, upgraded
from app.engine.runtime.compiler import compile as compile_graph
from app.engine.runtime.plan import Plan
from app.kernel.errors import InvalidInput, NeedsMigration
from app.models import MAIN, Draft
from app.services.access import Actor, scoped


async def main_draft(uow: UnitOfWork, actor: Actor, workflow_id: str) -> Draft:
    """Read the draft of an existing workflow: the branch that every workflow has."""
    query = scoped(Draft, actor).where(
        col(Draft.workflow_id) == workflow_id, col(Draft.branch) == MAIN
    )
    return (await uow.session.execute(query)).scalar_one()


def plan_of(graph: Mapping[str, Any]) -> Plan:
    """Compile a version's graph; the same graph is compiled once per process.

    Raises:
        GraphInvalid: `context["problems"]` lists what blocks running.
    """
    return compile_graph(open_graph(graph, catalog()), catalog())


def plan_to_execute(graph: Mapping[str, Any]) -> Plan:
    """Compile a version's graph to execute it: only with the node types it was made with, or upgraded to them.

    Raises:
        NeedsMigration: The implementation of a node is not here, or has another version to which nothing upgrades
            the node; running it would silently mean something else.
        GraphInvalid: `context["problems"]` lists what blocks running.
    """
    types = catalog()
    other = []
    for node in upgraded(dict(graph), types)["nodes"]:
        known = types.get(node["kind"])
        if known is None or known.version != node.get("version", 1):
            other.append(node)
    if other:
        first = other[0]
        name = first.get("label") or first["id"]
        more = f" and {len(other) - 1} more" if len(other) > 1 else ""
        raise NeedsMigration(
            f"'{name}' ({first['kind']} version {first.get('version', 1)}){more} cannot be executed "
            "here any more. Open the workflow, bring these nodes up to date, and run it again.",
            nodes=[node["id"] for node in other],
        )
    return plan_of(graph)


def hashed(value: Any) -> tuple[str, bytes]:  # noqa: ANN401 - JSON
    """Hash a request or a graph; return its JSON too.

    Raises:
        InvalidInput: It is not a JSON value.
    """
    try:
        data = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError as error:
        raise InvalidInput("The input must be a JSON value.", field="input") from error
    return hashlib.sha256(data).hexdigest(), data

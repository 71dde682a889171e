"""Outputs that stand in for executing nodes: given, or taken from what another run recorded."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import col

from app.adapters.sql.blob_copy import Carrier
from app.adapters.sql.database import UnitOfWork
from app.engine.runtime.plan import Plan, PlanNode
from app.engine.runtime.rerun import node_at
from app.kernel.errors import InvalidInput, NotFound
from app.models import Run, Step
from app.services.access import Actor, scoped

Outputs = dict[str, dict[str, Any]]


class PinsFrom(BaseModel):
    """A run whose recorded outputs stand in for executing these nodes, in loops iteration by iteration."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run_id: str = Field(min_length=1, max_length=100, description="The run whose outputs are used.")
    nodes: tuple[Annotated[str, Field(max_length=100)], ...] = Field(
        min_length=1, max_length=2_000, description="Ids of the nodes they stand in for."
    )


def check_pins(plan: Plan, pins: Mapping[str, Mapping[str, Any]]) -> None:
    """Check that pins name existing nodes and ports.

    Raises:
        InvalidInput: One does not; `context["field"]` names it.
    """
    for place, output in pins.items():
        node = node_at(plan, place) or _anywhere(plan, place)
        if node is None:
            raise InvalidInput(f"There is no node '{place}' to pin.", field=f"pins.{place}")
        check_ports(node, output, f"pins.{place}")


def check_ports(node: PlanNode, output: Mapping[str, Any], field: str) -> None:
    """Check that an output given for a node fits its ports.

    Raises:
        InvalidInput: It does not; `context["field"]` is `field`.
    """
    unknown = sorted(set(output) - set(node.outputs))
    if unknown or not output:
        ports = ", ".join(f"'{name}'" for name in node.outputs)
        what = f"has no output '{unknown[0]}'" if unknown else "needs at least one output"
        raise InvalidInput(f"'{node.label}' {what}. It has {ports}.", field=field)


async def recorded(
    uow: UnitOfWork, actor: Actor, source: PinsFrom, plan: Plan, run_id: str
) -> Outputs:
    """Read what nodes output in a run, by path, with large values copied for the new run.

    Raises:
        NotFound: There is no such run.
        InvalidInput: A node has no output there, or is not in this graph.
    """
    run = await uow.session.scalar(scoped(Run, actor).where(col(Run.id) == source.run_id))
    if run is None:
        raise NotFound("There is no such run to take outputs from.")
    query = scoped(Step, actor).where(
        col(Step.run_id) == run.id,
        col(Step.node_id).in_(source.nodes),
        col(Step.status) == "succeeded",
        col(Step.output).is_not(None),
    )
    carrier = Carrier(uow.session, run.id, run_id)
    pins: Outputs = {}
    seen = set()
    for step in (await uow.session.execute(query)).scalars():
        if node_at(plan, step.path) is not None:
            pins[step.path] = await carrier.carry(step.output)
            seen.add(step.node_id)
    for node_id in source.nodes:
        if node_id not in seen:
            raise InvalidInput(
                f"The node '{node_id}' gave nothing in that run, or is not in this workflow.",
                field="pins_from.nodes",
            )
    return pins


def _anywhere(plan: Plan, node_id: str) -> PlanNode | None:
    """A node by its id, in whatever container it is."""
    if node_id in plan.nodes:
        return plan.nodes[node_id]
    bodies = (node.body for node in plan.nodes.values() if node.body)
    return next((found for body in bodies if (found := _anywhere(body, node_id))), None)

"""The value of an expression: evaluated in the editor, with the values of an earlier run."""

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import col

from app.adapters.sql.database import UnitOfWork
from app.adapters.sql.values import unpack
from app.engine.catalog import catalog
from app.engine.expressions import Preview, Suggestion, complete, preview
from app.engine.graph.document import Graph, NodeRef
from app.engine.graph.paths import StepPath, parse_path
from app.engine.graph.ports import given as gives
from app.engine.graph.ports import sockets_of
from app.engine.graph.upgrades import open_graph
from app.kernel.errors import NotFound
from app.models import Run, Step
from app.services.access import Actor, Permission, require, scoped
from app.services.workflows.rows import load_workflow

Json = Any  # a JSON value

_LATER_TURN = r"\[[1-9]"


class PreviewRequest(BaseModel):
    """A text of a node's form. `run_id` names the run whose values are used; else the last one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    workflow_id: str = Field(max_length=100, description="Whose draft the node is in.")
    node_id: str = Field(max_length=100, description="The node whose form holds the text.")
    text: str = Field(
        max_length=100_000, description="As it stands there.", examples=["Hi {{ trigger.name }}"]
    )
    mode: Literal["template", "expression", "literal"] = Field(
        "template", description="How the field reads it."
    )
    run_id: str | None = Field(
        None, max_length=100, description="Whose values; else the last run's."
    )


class PreviewView(Preview):
    """The value, or why there is none. Without a run (`run_id` None) only the example is known."""

    run_id: str | None = None


async def preview_expression(uow: UnitOfWork, actor: Actor, request: PreviewRequest) -> PreviewView:
    """Evaluate a text as a step of that node would have seen it. Changes nothing.

    Raises:
        NotFound: There is no such workflow, node or run.
    """
    scope, run_id = await _scope(uow, actor, request)
    found = preview(request.text, request.mode, scope)
    return PreviewView(**found.model_dump(), run_id=run_id)


async def complete_expression(
    uow: UnitOfWork, actor: Actor, request: PreviewRequest
) -> Sequence[Suggestion]:
    """List completions for the end of the text, the part left of the cursor.

    Raises:
        NotFound: There is no such workflow, node or run.
    """
    scope, _ = await _scope(uow, actor, request)
    prefix = "{{" + request.text if request.mode == "expression" else request.text
    return complete(prefix, scope)


async def _scope(
    uow: UnitOfWork, actor: Actor, request: PreviewRequest
) -> tuple[dict[str, Json], str | None]:
    require(actor, Permission.WORKFLOW_READ)
    workflow, draft, _ = await load_workflow(uow, actor, request.workflow_id)
    graph = open_graph(draft.graph, catalog())
    node = graph.by_id.get(request.node_id)
    if node is None:
        raise NotFound("There is no such node in the workflow.")
    run = await _run(uow, actor, request)
    if run is None:
        names = {"input": None, "trigger": workflow.example_input, "nodes": {}, "vars": {}}
        given = dict.fromkeys(name for each in _giving(graph, node) for name in _given_by(each))
        return {**given, **names, "context": {"last_output": None}}, None
    first_turns = ~col(Step.path).regexp_match(_LATER_TURN)  # a loop may have thousands of others
    query = scoped(Step, actor).where(col(Step.run_id) == run.id, first_turns)
    steps = await uow.session.scalars(query.order_by(col(Step.finished_at)))
    return await _Past(uow, run, graph, list(steps)).names(node), run.id


async def _run(uow: UnitOfWork, actor: Actor, request: PreviewRequest) -> Run | None:
    query = scoped(Run, actor).where(col(Run.workflow_id) == request.workflow_id)
    if request.run_id:
        run = await uow.session.scalar(query.where(col(Run.id) == request.run_id))
        if run is None:
            raise NotFound("There is no such run of this workflow.")
        return run
    latest = query.order_by(col(Run.queued_at).desc(), col(Run.id).desc()).limit(1)
    return await uow.session.scalar(latest)


class _Past:
    """The steps of an earlier run, as the scope of a node."""

    def __init__(self, uow: UnitOfWork, run: Run, graph: Graph, steps: Sequence[Step]) -> None:
        self.uow = uow
        self.run = run
        self.graph = graph
        self.steps = {step.path: step for step in steps}

    async def names(self, node: NodeRef) -> dict[str, Json]:
        """The names an expression of the node may use; in a body, those of its first iteration."""
        prefix = self._prefix(node)
        levels = [prefix[: i + 1] for i, sign in enumerate(prefix) if sign == "/"]
        outputs = {
            step.node_id: await self._whole(step.output)
            for path, step in self.steps.items()
            if step.output is not None and path.removesuffix(step.node_id) in ("", *levels)
        }
        before = [edge.source for edge in self._into(node) if edge.source in outputs]
        return {
            **await self._given(node, prefix),
            "input": await self._input(node, prefix, outputs),
            "trigger": await self._trigger(),
            "nodes": outputs,
            "vars": {},
            "context": {"last_output": self._last(outputs, before)},
        }

    def _prefix(self, node: NodeRef) -> str:
        """The iteration that is shown: a container's, or one of a cycle drawn by hand, the first there is."""
        first = (path for path in self.steps if path.endswith(f"/{node.id}"))
        around = self.graph.by_id[node.parent] if node.parent else None
        unknown = f"{self._prefix(around)}{around.id}[0]/{node.id}" if around else node.id
        return min(first, default=unknown, key=len).removesuffix(node.id)

    def _last(self, outputs: dict[str, Json], before: Sequence[str]) -> Json:
        """What the previous node passes to whatever follows it."""
        if not before:
            return None
        node, output = self.graph.by_id[before[-1]], outputs[before[-1]]
        node_type = catalog().get(node.kind)
        return gives(sockets_of(node, node_type), output) if node_type else _plain(output)

    def _into(self, node: NodeRef) -> list[Any]:
        return [edge for edge in self.graph.edges if edge.target == node.id]

    async def _input(self, node: NodeRef, prefix: str, outputs: dict[str, Json]) -> Json:
        """The value at the only port, or the values by port: as recorded, else over the edges."""
        recorded = self.steps.get(prefix + node.id)
        stored = await self._whole(recorded.input) if recorded else None
        ports = (stored or {}).get("ports")
        if not isinstance(ports, dict):
            ports = {
                edge.target_port: (outputs.get(edge.source) or {}).get(edge.source_port)
                for edge in self._into(node)
            }
        node_type = catalog().get(node.kind)
        names = [port.name for port in node_type.input_ports()] if node_type else []
        return ports.get(names[0]) if len(names) == 1 else ports

    async def _trigger(self) -> Json:
        for step in self.steps.values():
            node_type = catalog().get(step.kind)
            if node_type is not None and node_type.trigger and step.output is not None:
                return _plain(await self._whole(step.output))
        return await self._whole(self.run.input)

    async def _given(self, node: NodeRef, prefix: str) -> dict[str, Json]:
        """What the iterations around a node pass to it, the innermost last, and what it outputs itself."""
        turns = parse_path(prefix + node.id).iterations
        path_of = {
            turn.container: str(StepPath(turns[:at], turn.container))
            for at, turn in enumerate(turns)
        }
        index_of = {turn.container: turn.index for turn in turns}
        names: dict[str, Json] = {}
        for container in reversed(_giving(self.graph, node)):
            path = path_of.get(container.id, prefix + node.id)
            names |= await self._turn(container, path, index_of.get(container.id, 0))
        return names

    async def _turn(self, container: NodeRef, path: str, index: int) -> dict[str, Json]:
        """The names of an iteration. Its form held the list; what an earlier iteration output is not recorded."""
        step = self.steps.get(path)
        stored = (await self._whole(step.input) if step else None) or {}
        items = (stored.get("config") or {}).get("items")
        item = items[index] if isinstance(items, list) and index < len(items) else None
        begins = index == 0 and stored.get("ports")
        known = {"item": item, "index": index, "last": _plain(begins or None)}
        return {name: known.get(name) for name in _given_by(container)}

    async def _whole(self, value: Json) -> Json:
        return await unpack(self.uow.session, value, self.run.id)


def _giving(graph: Graph, node: NodeRef) -> list[NodeRef]:
    """The containers whose names an expression of the node may use, the innermost first."""
    node_type = catalog().get(node.kind)
    fields = node_type.config_schema().get("properties", {}) if node_type else {}
    found = [node] if any(each.get("later") for each in fields.values()) else []
    while node.parent is not None:
        node = graph.by_id[node.parent]
        found.append(node)
    return found


def _given_by(container: NodeRef) -> tuple[str, ...]:
    node_type = catalog().get(container.kind)
    return node_type.body_names if node_type else ()


def _plain(output: Json) -> Json:
    """The value of an output with one port, otherwise the values by port."""
    single = isinstance(output, dict) and len(output) == 1
    return next(iter(output.values())) if single else output

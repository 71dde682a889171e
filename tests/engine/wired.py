"""Graphs of the product's own nodes, run against a model server that answers from a script."""

from dataclasses import dataclass
from typing import Any

from app.engine.catalog import catalog
from app.engine.graph.document import parse_graph
from app.engine.host import Limits, Outcome, RunRequest
from app.engine.providers.base import ModelInfo
from app.engine.providers.endpoint import Endpoint
from app.engine.providers.openai import OpenAIApi, OpenAIChat
from app.engine.runtime import compile as compile_graph
from app.engine.runtime import execute
from app.engine.sdk import CodeResult, Json
from app.engine.testing import FakeHost
from tests.fakes.scripted_model import ScriptedModel


class Models:
    """The models of one server, with the prices that are known."""

    def __init__(self, url: str, price: int | None) -> None:
        self.api = OpenAIApi(Endpoint("The model server", url, "key"))
        self.price = price

    async def find(self, ref: str) -> OpenAIChat:
        name = ref.removeprefix("compatible/")
        return OpenAIChat(ModelInfo(ref, "compatible", name, name), self.api)

    def cost_microusd(
        self, provider: str, model: str, input_tokens: int, output_tokens: int, cached: int
    ) -> int | None:
        is_known = model == "m1" and self.price is not None
        return (input_tokens + output_tokens) * self.price if is_known else None


@dataclass
class Told:
    """How a run ended, and what its server was asked."""

    outcome: Outcome
    host: FakeHost
    requests: list[dict[str, Any]]

    @property
    def error(self) -> dict[str, Any]:
        assert self.outcome.status == "failed", self.outcome
        return self.outcome.error or {}

    @property
    def output(self) -> Json:
        assert self.outcome.status == "succeeded", self.outcome.error
        return self.outcome.output

    @property
    def warnings(self) -> list[str]:
        return [one["code"] for step in self.host.journal.steps.values() for one in step.warnings]

    @property
    def streamed(self) -> str:
        return "".join(event.payload["text"] for event in self.host.journal.streamed)


async def _add(source: str, inputs: dict[str, Json], timeout_s: float) -> CodeResult:
    return CodeResult(value=int(inputs["a"]) + int(inputs["b"]))


async def told(
    node: dict[str, Any],
    *turns: dict[str, Any],
    given: Json = None,
    limits: Limits | None = None,
    price: int | None = 2,
    copies: int = 1,
) -> Told:
    """Run a trigger and a node (or several alike, side by side) with a tool `add` beside an agent."""
    nodes = [{"id": "start", "kind": "trigger.manual"}]
    edges = []
    for number in range(copies):
        name = f"m{number}" if number else "m"
        nodes.append({"settings": {}, **node, "id": name})
        edges.append(_edge(f"e{number}", "start", "data", name, "input"))
        if node["kind"] == "agent.run" and not node.get("bare"):
            nodes.append({**ADDER, "id": f"adder{number}"})
            edges.append(_edge(f"t{number}", f"adder{number}", "tool", name, "tools"))
    for one in nodes:
        one.pop("bare", None)
    plan = compile_graph(parse_graph({"schema": 1, "nodes": nodes, "edges": edges}), catalog())
    async with ScriptedModel(*turns) as server:
        host = FakeHost(python=_add)
        host.models = Models(server.url, price)
        request = RunRequest("run_1", "wsp_1", "wfl_1", given, limits=limits or Limits())
        outcome = await execute(plan, request, host)
        await host.models.api.close()
    return Told(outcome, host, server.requests)


ADDER = {
    "kind": "tool.code_python",
    "config": {
        "code": "result = int(a) + int(b)",
        "values": {"a": "{{ args.a }}", "b": "{{ args.b }}"},
    },
    "settings": {"tool_name": "add", "tool_description": "Adds two numbers"},
}


def _edge(name: str, source: str, source_port: str, target: str, target_port: str) -> Any:
    return {
        "id": name,
        "source": source,
        "source_port": source_port,
        "target": target,
        "target_port": target_port,
    }


def chat(**config: Any) -> dict[str, Any]:
    return {"kind": "model.chat", "config": {"model": "compatible/m1", "prompt": "Hi", **config}}


def agent(**config: Any) -> dict[str, Any]:
    return {"kind": "agent.run", "config": {"model": "compatible/m1", "prompt": "go", **config}}


def extract(**config: Any) -> dict[str, Any]:
    fields = [{"name": "total", "type": "number"}]
    own = {"model": "compatible/m1", "text": "Total 12", "fields": fields, **config}
    return {"kind": "model.extract", "config": own}

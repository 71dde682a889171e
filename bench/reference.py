"""The same four graphs in plain LangGraph: one process, no storage, no web, no sign-in."""

import asyncio
import operator
import time
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypedDict

from langgraph.graph import END, START, StateGraph
from openai import AsyncOpenAI

from bench.loads import W1, W2, W3, W4, Load

Work = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


class State(TypedDict, total=False):
    """What the nodes share."""

    given: Any
    value: Any
    answers: Annotated[list[str], operator.add]


async def _set(state: State) -> State:
    return {"value": {"name": state["given"]["name"], "n": state["given"]["n"] + 1}}


async def _fill(state: State) -> State:
    return {"value": "Hi {name}, {n}".format(**state["value"])}


async def _wrap(state: State) -> State:
    return {"value": {"text": state["value"]}}


async def _same(state: State) -> State:
    value = state.get("value")
    return {"value": state["given"]["name"] if value is None else str(value)}


async def _merged(state: State) -> State:
    return {"value": state["answers"]}


def _ask(client: AsyncOpenAI, port: str) -> Callable[[State], Awaitable[State]]:
    async def ask(state: State) -> State:
        chunks = await client.chat.completions.create(
            model="mock", messages=[{"role": "user", "content": state["given"]["q"]}], stream=True,
            stream_options={"include_usage": True},
        )  # fmt: skip
        text = "".join([c.choices[0].delta.content or "" async for c in chunks if c.choices])
        return {"value": text} if port == "value" else {"answers": [text]}

    return ask


def _chain(*works: Any) -> Any:
    graph = StateGraph(State)
    names = [f"n{i}" for i in range(len(works))]
    for name, work in zip(names, works, strict=True):
        graph.add_node(name, work)
    for source, target in zip([START, *names], [*names, END], strict=True):
        graph.add_edge(source, target)
    return graph.compile()


def _fan(client: AsyncOpenAI) -> Any:
    graph = StateGraph(State)
    graph.add_node("all", _merged)
    for i in range(8):
        graph.add_node(f"ask{i}", _ask(client, "answers"))
        graph.add_edge(START, f"ask{i}")
    graph.add_edge([f"ask{i}" for i in range(8)], "all")
    graph.add_edge("all", END)
    return graph.compile()


async def _drive(flow: Any, load: Load, at_once: int, seconds: float) -> dict[str, Any]:
    times: list[float] = []
    began = time.perf_counter()

    async def one_after_the_other() -> None:
        while time.perf_counter() < began + seconds:
            start = time.perf_counter()
            done = await flow.ainvoke({"given": load.given}, {"recursion_limit": 200})
            times.append((time.perf_counter() - start) * 1000)
            assert done["value"] == load.output, done

    await asyncio.gather(*(one_after_the_other() for _ in range(at_once)))
    rate = len(times) / (time.perf_counter() - began)
    return {
        "load": load.name,
        "in_flight": at_once,
        "p50": sorted(times)[len(times) // 2],
        "rate": rate,
    }


async def reference(model_url: str, seconds: float) -> list[dict[str, Any]]:
    """Drive the four graphs, one at a time and many at once."""
    client = AsyncOpenAI(base_url=model_url, api_key="none", max_retries=0)
    flows = (
        (W1, _chain(_set, _fill, _wrap), 16), (W2, _chain(_ask(client, "value")), 64), (W3, _fan(client), 16),
        (W4, _chain(*[_same] * 50), 16),
    )  # fmt: skip
    found = []
    for load, flow, many in flows:
        await _drive(flow, load, 1, 0.5)
        for at_once in (1, many):
            found.append(await _drive(flow, load, at_once, seconds))
    return found

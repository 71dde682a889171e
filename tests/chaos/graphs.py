"""Shapes of workflows for the product under faults; every effect goes to the witness."""

from typing import Any
from urllib.parse import urlencode

from tests import graphs
from tests.graphs import START, chain, edge, node

graphs.PORTS["logic.merge"] = ("input", "value")
graphs.PORTS["logic.while"] = ("input", "value")
graphs.PORTS["flow.run_workflow"] = ("input", "output")

ANSWER = node("answer", "flow.respond", {"value": "done"})
Graph = dict[str, Any]
SIGNAL = "go"
"""What the shape `signal` waits for."""


def _inside(loop: str, count: int, name: str) -> frozenset[str]:
    return frozenset(f"{loop}[{turn}]/{name}" for turn in range(count))


WORK: dict[str, frozenset[str]] = {
    "quick": frozenset(),
    "chain": frozenset({"e0", "e1", "e2", "e3"}),
    "slow": frozenset({"e0", "e1", "e2"}),
    "branch": frozenset({"one", "two"}),
    "each": _inside("loop", 5, "inner") | {"last"},
    "each_pay": _inside("loop", 3, "pay") | {"last"},
    "each_again": frozenset(
        f"loop[{turn}{again}]/inner" for turn in range(2) for again in ("", ".2")
    )
    | {"last"},
    "turns": _inside("loop", 3, "inner") | {"last"},
    "circle": _inside("loop_round", 3, "round") | {"last"},
    "model": frozenset({"between"}),
    "model_flaky": frozenset({"between"}),
    "approval": frozenset({"before", "after"}),
    "retry": frozenset({"works", "broken", "handled"}),
    "payment": frozenset({"before", "pay", "after"}),
    "memory": frozenset({"after"}),
    "wait": frozenset({"before", "after"}),
    "signal": frozenset({"before", "after"}),
    "late": frozenset({"before", "instead"}),
    "called": frozenset({"one", "two"}),
    "call": frozenset({"before", "after"}),
    "calls": _inside("loop", 2, "before") | {"last"},
}
"""What a run of each shape does outside when it succeeds, by path: all of it, and nothing else."""


class Shapes:
    """Graphs whose effects reach the witness at a port; `version` is written into each effect."""

    def __init__(self, port: int, version: str = "a") -> None:
        self._base = f"http://127.0.0.1:{port}/effect"
        self._version = version

    def effect(
        self, name: str, *, settings: Graph | None = None, safe: bool = True, **wish: int
    ) -> Graph:
        """A call to a service that knows idempotency keys, or to one that does not."""
        body = {"marker": "{{ trigger.marker }}", "version": self._version}
        config = {"method": "POST", "url": self._url(name, wish), "body": body, "idempotent": safe}
        return node(name, "tool.http", config, **({"settings": settings} if settings else {}))

    def _url(self, name: str, wish: dict[str, int]) -> str:
        return f"{self._base}/{name}" + (f"?{urlencode(wish)}" if wish else "")

    def quick(self) -> Graph:
        """Executed by the web process."""
        greet = node("greet", "data.template", {"template": "Hi {{ trigger.marker }}"})
        return chain(START, greet, ANSWER)

    def chain(self, count: int = 4, delay: int = 30) -> Graph:
        """Effects one after the other."""
        return chain(START, *(self.effect(f"e{i}", delay=delay) for i in range(count)), ANSWER)

    def branch(self) -> Graph:
        """Two effects side by side, a condition, and a merge."""
        one, two = self.effect("one", delay=20), self.effect("two", delay=60)
        way = node("way", "logic.if", {"condition": "len(trigger.marker) > 0"})
        never = self.effect("never")
        merge = node("merge", "logic.merge", {"mode": "list"})
        return {
            "schema": 1,
            "nodes": [START, one, two, way, never, merge, ANSWER],
            "edges": [
                edge(START, one), edge(START, two), edge(START, way),
                edge(way, never, source_port="false"), edge(one, merge), edge(two, merge),
                edge(never, merge), edge(merge, ANSWER),
            ],
        }  # fmt: skip

    def each(self, items: int = 5) -> Graph:
        """An effect for each of some items."""
        loop = node("loop", "logic.for_each", {"items": str(list(range(items))), "concurrency": 3})
        return self._around(loop, [{**self.effect("inner", delay=20), "parent": "loop"}])

    def model(self, faults: str = "") -> Graph:
        """A model call, with failures of the provider, between effects."""
        settings = {"retries": 6, "retry_delay_s": 0.1, "backoff": "fixed"}
        prompt = f"{{{{ trigger.marker }}}} {faults}"
        ask = node("ask", "model.chat", {"prompt": prompt}, settings=settings)
        again = node("again", "model.chat", {"prompt": f"more {prompt}"}, settings=settings)
        return chain(START, ask, self.effect("between"), again, ANSWER)

    def approval(self) -> Graph:
        """A person between two effects."""
        check = node("check", "human.approval", {"title": "Go on?", "value": "x"})
        return chain(START, self.effect("before"), check, self.effect("after"), ANSWER)

    def retry(self) -> Graph:
        """An effect that works at the third try, and one that is given up and handled."""
        tries = {"retries": 4, "retry_delay_s": 0.1, "backoff": "fixed"}
        gives_up = {"on_error": "error_port"}
        works = self.effect("works", settings=tries, fail=2)
        broken = self.effect("broken", settings=gives_up, fail=99)
        handled = self.effect("handled")
        return {
            "schema": 1,
            "nodes": [START, works, broken, handled, ANSWER],
            "edges": [
                edge(START, works), edge(works, broken), edge(broken, ANSWER),
                edge(broken, handled, source_port="error"),
            ],
        }  # fmt: skip

    def payment(self, delay: int = 60) -> Graph:
        """An effect that is not safe to repeat, between two that are."""
        return chain(START, self.effect("before"), self.effect("pay", safe=False, delay=delay), self.effect("after"), ANSWER)  # fmt: skip

    def memory(self) -> Graph:
        """A value kept between runs."""
        keep = node("keep", "memory.key_value", {"operation": "set", "key": "k", "value": "{{ trigger.marker }}"})  # fmt: skip
        return chain(START, keep, self.effect("after"), ANSWER)

    def each_pay(self, items: int = 3) -> Graph:
        """For each of some items an effect that is not safe to repeat."""
        loop = node("loop", "logic.for_each", {"items": str(list(range(items))), "concurrency": 2})
        inner = {**self.effect("pay", safe=False, delay=40), "parent": "loop"}
        return self._around(loop, [inner])

    def each_again(self) -> Graph:
        """An effect for each of two items that fails, and is tried again after a pause that outlives processes."""
        config = {"items": "[0, 1]", "item_retries": 1, "item_retry_delay_s": 6.5}
        inner = {**self.effect("inner", delay=20, fail_first=1), "parent": "loop"}
        return self._around(node("loop", "logic.for_each", config), [inner])

    def turns(self, count: int = 3) -> Graph:
        """A loop that waits in each turn, after an effect."""
        loop = node("loop", "logic.while", {"condition": f"index < {count}"})
        inner = {**self.effect("inner"), "parent": "loop"}
        rest = {**node("rest", "logic.wait", {"seconds": 1.2}), "parent": "loop"}
        return self._around(loop, [inner, rest], edge(inner, rest))

    def circle(self, count: int = 3) -> Graph:
        """A circle drawn by hand around an effect."""
        again = self.effect("round", delay=20)
        way = node("way", "logic.if", {"condition": f"input.turn >= {count - 1}"})
        last = self.effect("last")
        return {
            "schema": 1,
            "nodes": [START, again, way, last, ANSWER],
            "edges": [
                edge(START, again), edge(again, way), edge(way, again, source_port="false"),
                edge(way, last), edge(last, ANSWER),
            ],
        }  # fmt: skip

    def wait(self, seconds: float = 1.5) -> Graph:
        """A time between two effects."""
        rest = node("rest", "logic.wait", {"seconds": seconds})
        return chain(START, self.effect("before"), rest, self.effect("after"), ANSWER)

    def signal(self) -> Graph:
        """A signal between two effects."""
        rest = node("rest", "logic.wait", {"wait_for": "signal", "signal": SIGNAL})
        return chain(START, self.effect("before"), rest, self.effect("after"), ANSWER)

    def late(self) -> Graph:
        """A signal that nobody sends, with a limit, and what is done instead."""
        settings = {"wait_for": "signal", "signal": "never", "limit_s": 1.2}
        before, rest = self.effect("before"), node("rest", "logic.wait", settings)
        never, instead = self.effect("never"), self.effect("instead")
        return {
            "schema": 1,
            "nodes": [START, before, rest, never, instead, ANSWER],
            "edges": [
                edge(START, before), edge(before, rest), edge(rest, never),
                edge(rest, instead, source_port="timed_out"), edge(instead, ANSWER),
            ],
        }  # fmt: skip

    def called(self) -> Graph:
        """What other workflows call: it waits between two effects."""
        rest = node("rest", "logic.wait", {"seconds": 1.1})
        return chain(START, self.effect("one", delay=20), rest, self.effect("two"), ANSWER)

    def call(self, workflow: str) -> Graph:
        """A call of another workflow between two effects."""
        return chain(START, self.effect("before"), _call(workflow), self.effect("after"), ANSWER)

    def calls(self, workflow: str, items: int = 2) -> Graph:
        """An effect and a call of another workflow for each of some items."""
        loop = node("loop", "logic.for_each", {"items": str(list(range(items)))})
        before = {**self.effect("before"), "parent": "loop"}
        call = {**_call(workflow), "parent": "loop"}
        return self._around(loop, [before, call], edge(before, call))

    def _around(self, loop: Graph, inside: list[Graph], *wires: Graph) -> Graph:
        last = self.effect("last")
        return {
            "schema": 1,
            "nodes": [START, loop, *inside, last, ANSWER],
            "edges": [edge(START, loop), edge(loop, last), edge(last, ANSWER), *wires],
        }


def _call(workflow: str) -> Graph:
    given = {"marker": "{{ trigger.marker }}", "faults": "{{ trigger.faults }}"}
    return node("call", "flow.run_workflow", {"workflow": workflow, "given": given})

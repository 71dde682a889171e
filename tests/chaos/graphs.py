"""Shapes of workflows for the product under faults; every effect goes to the witness."""

from typing import Any
from urllib.parse import urlencode

from tests import graphs
from tests.graphs import START, chain, edge, node

graphs.PORTS["logic.merge"] = ("input", "value")
graphs.PORTS["logic.for_each"] = ("input", "results")

ANSWER = node("answer", "flow.respond", {"value": "done"})
Graph = dict[str, Any]


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
        inner = {**self.effect("inner", delay=20), "parent": "loop"}
        last = self.effect("last")
        return {
            "schema": 1,
            "nodes": [START, loop, inner, last, ANSWER],
            "edges": [edge(START, loop), edge(loop, last), edge(last, ANSWER)],
        }

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

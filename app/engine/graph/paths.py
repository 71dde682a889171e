"""Paths of steps: the one place that writes and reads them.

    path       = *( iteration "/" ) node
    iteration  = container "[" index [ "." try ] "]"

`index` counts the iterations of a container or of a loop region from 0, `try` the tries of an
iteration from 2: `rows[3]/mail` is the node `mail` for the fourth item of `rows`, `rows[3.2]/mail` the same in the
second try of that item, `loop_ask[4]/rows[0]/mail` lies in the fifth iteration of a loop.
"""

import re
from dataclasses import dataclass

_ITERATION = re.compile(r"([a-z][a-z0-9_]*)\[(0|[1-9][0-9]*)(?:\.([1-9][0-9]*))?\]")
_NODE = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class Iteration:
    """One iteration of a container: `attempt` is 1 unless the iteration was tried again."""

    container: str
    index: int
    attempt: int = 1

    def __str__(self) -> str:
        again = f".{self.attempt}" if self.attempt > 1 else ""
        return f"{self.container}[{self.index}{again}]"


@dataclass(frozen=True)
class StepPath:
    """A parsed path: the iterations around the node, the outermost first."""

    iterations: tuple[Iteration, ...]
    node_id: str

    def __str__(self) -> str:
        return "/".join([*map(str, self.iterations), self.node_id])

    @property
    def around(self) -> str | None:
        """The path of the container in whose iteration the step lies; None: it lies in none."""
        if not self.iterations:
            return None
        return str(StepPath(self.iterations[:-1], self.iterations[-1].container))


def parse_path(path: str) -> StepPath:
    """Parse a path.

    Raises:
        ValueError: It is no path.
    """
    *around, node_id = path.split("/")
    found = [_ITERATION.fullmatch(part) for part in around]
    if not _NODE.fullmatch(node_id) or not all(found):
        raise ValueError(f"'{path}' is no path of a step")
    iterations = [Iteration(m[1], int(m[2]), int(m[3] or 1)) for m in found if m]
    if any(
        iteration.attempt == 1 and m and m[3]
        for iteration, m in zip(iterations, found, strict=True)
    ):
        raise ValueError(f"'{path}' is no path of a step: the first try has no number")
    return StepPath(tuple(iterations), node_id)


def iteration_prefix(path: str, index: int, attempt: int = 1) -> str:
    """The prefix of the paths in an iteration of the container at a path: `rows[3]/`."""
    return f"{path}[{iteration_number(index, attempt)}]/"


def iteration_number(index: int, attempt: int = 1) -> str:
    """The text between the brackets of an iteration: `3`, or `3.2` for its second try."""
    return f"{index}.{attempt}" if attempt > 1 else str(index)


def is_inside(path: str) -> bool:
    """Whether the step lies in an iteration of a container or loop, and not in the graph itself."""
    return "/" in path

"""Circles of nodes: which nodes form one, where it begins, and which edges lead back.

A circle with an exit runs as a loop region: again and again from its header, as long as an edge
back to the header is alive. Pure.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from app.engine.graph.document import Edge


@dataclass(frozen=True)
class Region:
    """Nodes that all reach each other.

    Args:
        header: Where each iteration begins: the first of them that an edge from outside leads to.
        members: In the order of the graph.
        back: Ids of the edges from inside into the header.
    """

    header: str
    members: tuple[str, ...]
    back: frozenset[str]


def regions_of(ids: Sequence[str], inner: Iterable[Edge], edges: Iterable[Edge]) -> list[Region]:
    """Find the regions among nodes.

    Args:
        inner: The edges that may form circles; both ends are among the nodes.
        edges: All edges there are; those from outside of a region say where it begins.
    """
    place = {node_id: index for index, node_id in enumerate(ids)}
    inner, edges = list(inner), list(edges)
    found = []
    for circle in circles(ids, inner):
        inside = set(circle)
        entered = {e.target for e in edges if e.target in inside and e.source not in inside}
        header = min(entered or inside, key=place.__getitem__)
        back = frozenset(e.id for e in inner if e.target == header and e.source in inside)
        found.append(Region(header, tuple(sorted(inside, key=place.__getitem__)), back))
    return sorted(found, key=lambda region: place[region.header])


def circles(ids: Iterable[str], edges: Iterable[Edge]) -> list[list[str]]:
    """List the sets of nodes that all reach each other: several nodes, or one wired to itself."""
    after: dict[str, list[str]] = {node_id: [] for node_id in ids}
    selves = set()
    for edge in edges:
        if edge.source in after and edge.target in after:
            after[edge.source].append(edge.target)
            if edge.source == edge.target:
                selves.add(edge.source)
    return [group for group in _components(after) if len(group) > 1 or group[0] in selves]


def never_ends(members: Collection[str], always: Iterable[Edge]) -> list[Edge]:
    """Return a circle of edges that are alive whenever their source runs; empty: there is none."""
    steady = [e for e in always if e.source in members and e.target in members]
    groups = circles(members, steady)
    if not groups:
        return []
    inside = set(groups[0])
    out: dict[str, Edge] = {e.source: e for e in steady if {e.source, e.target} <= inside}
    here, walked = groups[0][0], dict[str, Edge]()
    while here not in walked:
        walked[here] = out[here]
        here = out[here].target
    return list(walked.values())[list(walked).index(here) :]


def _components(after: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """Strongly connected components (Tarjan, without recursion)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    open_: set[str] = set()
    found: list[list[str]] = []
    for root in after:
        if root in index:
            continue
        work = [(root, iter(after[root]))]
        index[root] = low[root] = len(index)
        stack.append(root)
        open_.add(root)
        while work:
            node_id, followers = work[-1]
            follower = next((f for f in followers if f not in index or f in open_), None)
            if follower is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node_id])
                if low[node_id] == index[node_id]:
                    cut = stack.index(node_id)
                    found.append(stack[cut:])
                    open_.difference_update(stack[cut:])
                    del stack[cut:]
            elif follower in index:
                low[node_id] = min(low[node_id], index[follower])
            else:
                index[follower] = low[follower] = len(index)
                stack.append(follower)
                open_.add(follower)
                work.append((follower, iter(after[follower])))
    return found

"""Checks of expressions: their syntax, and whether what they read exists and is available in time."""

from collections.abc import Iterator

from app.engine.expressions import Leaf, references, renamed, written_path
from app.engine.graph.checks.view import View, nearest
from app.engine.graph.document import NodeRef
from app.engine.graph.problem import Fix, Problem
from app.engine.sdk import port_name
from app.engine.sdk.node import TOOL_PORT
from app.kernel.errors import ExpressionError

_EVERYWHERE = ("input", "trigger", "nodes", "vars", "context")
_IN_BODY = {"item": "a For each", "index": "a For each or a While", "last": "a While"}
_IN_TOOL = ("args",)
_CONTEXT = ("last_output",)

Path = tuple[str, ...]


def check_references(view: View) -> Iterator[Problem]:
    """Check all expressions of all enabled nodes."""
    for node in view.graph.nodes:
        if node.id not in view.types or view.is_off(node):
            continue
        for leaf in view.forms[node.id]:
            try:
                paths = references(leaf.text, leaf.mode)
            except ExpressionError as error:
                yield _Finding(view, node, leaf).error("bad_expression", error.message)
                continue
            for path in sorted(paths):
                yield from _Finding(view, node, leaf).check(path)


class _Finding:
    """What one expression of one field reads."""

    def __init__(self, view: View, node: NodeRef, leaf: Leaf) -> None:
        self.view = view
        self.node = node
        self.leaf = leaf

    def check(self, path: Path) -> Iterator[Problem]:
        """Check one path."""
        root = path[0]
        if root not in self.roots():
            yield self.unknown_root(root)
        elif root == "nodes" and len(path) > 1:
            yield from self.node_read(path)
        elif root == "input" and len(path) > 1:
            yield from self.port_read(path)
        elif root == "context" and len(path) > 1 and path[1] not in _CONTEXT:
            yield self.error(
                "unknown_reference",
                f"`context.{path[1]}` does not exist. There is `context.last_output`.",
                (path[:2], ("context", _CONTEXT[0])),
            )
        elif root == "trigger" and len(path) > 1:
            yield from self.trigger_read(path)

    def roots(self) -> tuple[str, ...]:
        """The names that exist in this node."""
        in_tool = self.node.id in self.view.agents
        return (
            *_EVERYWHERE,
            *self.body_names(),
            *(_IN_TOOL if in_tool else ()),
        )

    def body_names(self) -> Iterator[str]:
        """The names that the containers around this node give, and its own to a field for later."""
        here: str | None = self.node.id if self.leaf.later else self.node.parent
        while here is not None:
            node_type = self.view.types.get(here)
            yield from node_type.body_names if node_type else ()
            here = self.view.graph.by_id[here].parent

    def unknown_root(self, root: str) -> Problem:
        """The problem of an unknown first name, or one that exists only elsewhere."""
        if root in _IN_BODY:
            why = f"`{root}` exists only inside {_IN_BODY[root]}."
            return self.error("unknown_reference", why)
        if root in _IN_TOOL:
            why = "`args` exists only in a node whose tool port is connected to an agent."
            return self.error("unknown_reference", why)
        if root in self.view.graph.by_id:
            return self.error(
                "unknown_reference",
                f"`{root}` is a node; write `nodes.{root}`.",
                ((root,), ("nodes", root)),
            )
        meant = nearest(root, self.roots())
        known = ", ".join(f"`{name}`" for name in self.roots())
        message = f"`{root}` does not exist. There are {known}."
        return self.error("unknown_reference", message, ((root,), (meant,)) if meant else None)

    def node_read(self, path: Path) -> Iterator[Problem]:
        """Check `nodes.<id>` and the port read from it."""
        other = self.view.graph.by_id.get(path[1])
        if other is None:
            yield self.unknown_node(path)
            return
        name = self.view.name(other.id)
        if not self.is_in_sight(other):
            message = f"{name} lies inside a container; only nodes beside it there can read it."
            yield self.error("unknown_reference", message)
            return
        if other.id in self.view.agents:
            message = f"{name} is a tool of an agent; its output is not kept for other nodes."
            yield self.late(message)
        elif self.node.id in self.view.before and not self.is_earlier(other):
            message = f"{name} may not have run before; then the value is empty."
            yield self.late(message)
        yield from self.output_read(other, path)

    def is_earlier(self, other: NodeRef) -> bool:
        """Whether the other node is decided first; a container's body also counts as its inside."""
        return self.view.runs_before(other.id, self.node.id)

    def unknown_node(self, path: Path) -> Problem:
        """The problem of a node that does not exist, with the one that was meant."""
        in_sight = [node for node in self.view.graph.nodes if self.is_in_sight(node)]
        by_label = {port_name(node.label): node.id for node in in_sight if node.label}
        meant = by_label.get(port_name(path[1])) or nearest(path[1], [n.id for n in in_sight])
        hint = f" Did you mean `nodes.{meant}` ({self.view.name(meant)})?" if meant else ""
        return self.error(
            "unknown_reference",
            f"there is no node `{path[1]}`.{hint}",
            (path[:2], ("nodes", meant)) if meant else None,
        )

    def is_in_sight(self, other: NodeRef) -> bool:
        """Whether the other node lies beside this one, or beside a container around it."""
        around: set[str | None] = {None}
        here = self.node.parent
        while here is not None:
            around.add(here)
            here = self.view.graph.by_id[here].parent
        return other.parent in around

    def output_read(self, other: NodeRef, path: Path) -> Iterator[Problem]:
        """Check the port in `nodes.<id>.<port>`."""
        ports = self.view.outputs.get(other.id)
        if ports is None or len(path) < 3 or (path[2] in ports and path[2] != TOOL_PORT):
            return
        names = [name for name in ports if name != TOOL_PORT]
        meant = nearest(path[2], names)
        known = ", ".join(f"`{name}`" for name in names) or "nothing"
        yield self.error(
            "unknown_reference",
            f"{self.view.name(other.id)} has no output `{path[2]}`. It gives {known}.",
            (path[:3], (*path[:2], meant)) if meant else None,
        )

    def port_read(self, path: Path) -> Iterator[Problem]:
        """Check `input.<port>` of a node with several inputs; with one, it is the value itself."""
        ports = [p.name for p in self.view.inputs[self.node.id].values() if p.type != "tool"]
        if len(ports) < 2 or path[1] in ports:
            return
        meant = nearest(path[1], ports)
        known = ", ".join(f"`input.{name}`" for name in ports)
        yield self.error(
            "unknown_reference",
            f"there is no input `{path[1]}`. There are {known}.",
            (path[:2], ("input", meant)) if meant else None,
        )

    def trigger_read(self, path: Path) -> Iterator[Problem]:
        """Warn of a name that looks like a misspelt field of the trigger; others may be given."""
        fields = self.view.trigger_fields
        if not fields or path[1] in fields:
            return
        meant = nearest(path[1], fields)
        if meant:
            yield self.problem(
                "unknown_reference",
                f"the trigger has no field `{path[1]}`. Did you mean `trigger.{meant}`?",
                (path[:2], ("trigger", meant)),
                is_error=False,
            )

    def error(self, code: str, why: str, renamed: tuple[Path, Path] | None = None) -> Problem:
        """A problem that blocks running."""
        return self.problem(code, why, renamed, is_error=True)

    def late(self, why: str) -> Problem:
        """The problem of a value that may not be there yet."""
        return self.problem("late_reference", why, None, is_error=False)

    def problem(
        self, code: str, why: str, renamed: tuple[Path, Path] | None, *, is_error: bool
    ) -> Problem:
        """A problem of this field; `renamed` is the path as written and as it should be."""
        return Problem(
            code=code,
            severity="error" if is_error else "warning",
            message=f"{self.view.name(self.node.id)}: in “{self.leaf.title}”, {_inside(why)}",
            node_id=self.node.id,
            field=".".join(map(str, self.leaf.place)),
            fix=self.rewritten(*renamed) if renamed else None,
        )

    def rewritten(self, old: Path, new: Path) -> Fix | None:
        """A fix that writes another path in this text."""
        text = renamed(self.leaf.text, self.leaf.mode, old, new)
        if text == self.leaf.text:
            return None
        place = list(self.leaf.place)
        op = {"op": "set_config", "id": self.node.id, "path": place, "value": text}
        return Fix(title=f"Write `{written_path(new)}`", ops=(op,))


def _inside(sentence: str) -> str:
    """Continue a sentence with another one."""
    word = sentence.partition(" ")[0]
    keep = not word.isalpha() or word == "I"
    return sentence if keep else sentence[:1].lower() + sentence[1:]

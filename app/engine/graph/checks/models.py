"""Checks of the models nodes ask for, against those that are known to be here."""

from collections.abc import Iterator
from dataclasses import dataclass

from app.engine.graph.checks.view import View
from app.engine.graph.document import NodeRef
from app.engine.graph.ports import filled, form_schema
from app.engine.graph.problem import Fix, Problem


@dataclass(frozen=True)
class ModelsHere:
    """Which models could answer now.

    Args:
        refs: Those that are known by name, as provider/name.
        open_providers: Providers of which any name may be asked for.
        default: The model of a field that names none; empty when there is none.
    """

    refs: frozenset[str]
    open_providers: frozenset[str] = frozenset()
    default: str = ""

    def has(self, ref: str) -> bool:
        """Whether a field with this text gets a model."""
        wanted = ref or self.default
        provider, _, name = wanted.partition("/")
        return wanted in self.refs or bool(name and provider in self.open_providers)


def check_models(view: View, here: ModelsHere) -> Iterator[Problem]:
    """Warn of models that are not here: a run would fail at that node. Expressions are not judged."""
    for node in view.graph.nodes:
        node_type = view.types.get(node.id)
        if node_type is None or view.is_off(node):
            continue
        dynamic = {leaf.place[0] for leaf in view.forms[node.id]}
        config, fields = filled(node, node_type), form_schema(node_type).get("properties", {})
        for name, field in fields.items():
            ref = config.get(name)
            if field.get("widget") != "model" or not isinstance(ref, str) or name in dynamic:
                continue
            if view.is_shown(node.id, name) and not here.has(ref):
                yield _missing(view, node, name, ref, here)


def _missing(view: View, node: NodeRef, field: str, ref: str, here: ModelsHere) -> Problem:
    what = f"the model `{ref}` is not here" if ref else "there is no model on this machine yet"
    set_default = {"op": "set_config", "id": node.id, "path": [field], "value": ""}
    can_use_default = ref and here.has("")
    return Problem(
        code="model_missing",
        severity="warning",
        message=(
            f"{view.name(node.id)} cannot run: {what}. Three ways out: download one on the page Models, "
            "start Ollama or set the key of a provider, or choose another model in this field."
        ),
        node_id=node.id,
        field=field,
        fix=Fix(title="Use the default model", ops=(set_default,)) if can_use_default else None,
    )

"""The {{ }} language: parse, check, evaluate. Pure, bounded, JSON values only."""

from app.engine.expressions.assist import (
    FunctionHelp,
    Preview,
    Suggestion,
    complete,
    functions,
    preview,
)
from app.engine.expressions.evaluator import Scope, evaluate
from app.engine.expressions.fields import (
    Form,
    Leaf,
    Mode,
    check,
    empty_places,
    field_titles,
    is_shown,
    leaves,
    references,
    texts,
)
from app.engine.expressions.renaming import renamed, written_path
from app.engine.expressions.syntax import parse
from app.engine.expressions.template import Template, parse_template, render

__all__ = [
    "Form",
    "FunctionHelp",
    "Leaf",
    "Mode",
    "Preview",
    "Scope",
    "Suggestion",
    "Template",
    "check",
    "complete",
    "empty_places",
    "evaluate",
    "field_titles",
    "functions",
    "is_shown",
    "leaves",
    "parse",
    "parse_template",
    "preview",
    "references",
    "renamed",
    "render",
    "texts",
    "written_path",
]

"""Read-only views of code and JSON."""

from typing import Any

import reflex as rx

from app.components.assets import library


class CodeViewer(rx.Component):
    """Text in a fixed-width font, with wrap and copy."""

    library = library("ui/viewers.jsx")
    tag = "CodeViewer"
    lib_dependencies: list[str] = ["lucide-react@1.26.0"]
    text: rx.Var[str]
    title: rx.Var[str]


class JsonViewer(rx.Component):
    """A JSON value that folds, with copy; long texts and lists open piece by piece."""

    library = library("ui/viewers.jsx")
    tag = "JsonViewer"
    lib_dependencies: list[str] = ["lucide-react@1.26.0"]
    value: rx.Var[Any]
    title: rx.Var[str]
    open_to: rx.Var[int]


code_viewer = CodeViewer.create
json_viewer = JsonViewer.create

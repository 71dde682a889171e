"""The command palette."""

from typing import Any

import reflex as rx

from app.components.assets import library


class CommandPalette(rx.Component):
    """Opens with Ctrl+K or ⌘K. Entries: {id, label, group, icon?, href?, keywords?}.

    With `source`, a list of the API that takes `search`, what it finds by name is among them.
    """

    library = library("ui/palette.jsx")
    tag = "CommandPalette"
    lib_dependencies: list[str] = ["cmdk@1.1.1", "lucide-react@1.26.0"]
    entries: rx.Var[list[dict[str, Any]]]
    source: rx.Var[str]
    source_href: rx.Var[str]
    source_group: rx.Var[str]
    on_action: rx.EventHandler[lambda entry: [entry]]


class PaletteButton(rx.Component):
    """Shows the shortcut and opens the palette."""

    library = library("ui/palette.jsx")
    tag = "PaletteButton"
    lib_dependencies: list[str] = ["cmdk@1.1.1", "lucide-react@1.26.0"]


command_palette = CommandPalette.create
palette_button = PaletteButton.create

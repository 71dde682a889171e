"""The shell's parts that are written in JavaScript."""

import reflex as rx

from app.components.assets import library


class MobileBar(rx.Component):
    """The bar on small screens, with the navigation (its children) in a drawer."""

    library = library("shell/shell.jsx")
    tag = "MobileBar"
    lib_dependencies: list[str] = ["lucide-react@1.26.0"]
    brand: rx.Var[rx.Component]


class Banners(rx.Component):
    """Says when the server is away, or a part of it is not well."""

    library = library("shell/shell.jsx")
    tag = "Banners"
    lib_dependencies: list[str] = ["lucide-react@1.26.0"]
    offline: rx.Var[bool]


class AuthForm(rx.Component):
    """The form of the sign-in pages; `mode` is login or register, `next` where to go afterwards."""

    library = library("shell/auth.jsx")
    tag = "AuthForm"
    lib_dependencies: list[str] = ["lucide-react@1.26.0"]
    mode: rx.Var[str]
    next: rx.Var[str]


auth_form = AuthForm.create

"""Compiles graphs to plans and runs them. The only package that imports langgraph."""

from app.engine.runtime.compiler import compile, graph_key  # noqa: A004 - the domain's term
from app.engine.runtime.driver import warm_up
from app.engine.runtime.execute import execute
from app.engine.runtime.plan import Plan

__all__ = ["Plan", "compile", "execute", "graph_key", "warm_up"]

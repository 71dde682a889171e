"""Serve a local model over an OpenAI-compatible API; `serve` starts it when it is wanted."""

from app.adapters.models.server import add_arguments, main

__all__ = ["add_arguments", "main"]

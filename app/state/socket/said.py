"""What handlers return to the page: events, handlers, lists of both. Reflex has no type for all of them."""

from collections.abc import AsyncGenerator
from typing import Any, TypeAlias

Said: TypeAlias = Any
"""An event, several, or nothing."""

Saying: TypeAlias = AsyncGenerator[Any, None]
"""Events one after another; what changed meanwhile is sent before each."""

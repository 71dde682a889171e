"""Validates values against JSON Schemas that people wrote: bounded, and without the network. Pure.

The validator alone would fetch a `$ref` to another address, follow references that double at each step forever, and
never finish a pattern such as `(a+)+$`.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

import jsonschema
import orjson
import referencing
import referencing.exceptions
from jsonschema.exceptions import SchemaError, ValidationError
from jsonschema.protocols import Validator

from app.kernel.errors import OutputInvalid
from app.kernel.jsons import json_of

_MOST_CHECKS = 50_000
_MOST_PARTS = 600
_PATTERNS_S = 0.2
_NOT_HERE = frozenset({"unevaluatedProperties", "unevaluatedItems", "$dynamicRef", "$recursiveRef"})
Keyword = Callable[[Any, Any, Any, Any], Iterator[ValidationError] | None]


class _TooMuchWork(Exception):
    """A validation takes more work than allowed."""


class _Budget:
    """What one validation may still use."""

    def __init__(self) -> None:
        self.checks = _MOST_CHECKS
        self.seconds = _PATTERNS_S

    def spend(self) -> None:
        self.checks -= 1
        if self.checks < 0:
            raise _TooMuchWork("it takes too many steps")

    def matches(self, pattern: str, text: str) -> bool:
        """Whether the pattern matches somewhere in the text, within the remaining time."""
        import regex  # type: ignore[import-untyped]  # noqa: PLC0415 - has no types; few schemas have patterns

        if self.seconds <= 0:
            raise _TooMuchWork(f"the pattern {pattern[:60]!r} takes too long")
        started = time.perf_counter()
        try:
            return regex.search(pattern, text, timeout=self.seconds) is not None
        except TimeoutError as error:
            raise _TooMuchWork(f"the pattern {pattern[:60]!r} takes too long") from error
        except regex.error as error:
            raise _TooMuchWork(f"the pattern {pattern[:60]!r} cannot be read") from error
        finally:
            self.seconds -= time.perf_counter() - started


_budget: ContextVar[_Budget] = ContextVar("_budget")


class Shape:
    """A JSON Schema to validate values against.

    Raises:
        OutputInvalid: It is not a JSON Schema, uses what is not supported here, or (from any method) takes too much
            work to check against a value.
    """

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._schema = dict(schema)
        _check_size_and_words(self._schema)
        kind = jsonschema.validators.validator_for(self._schema)
        try:
            kind.check_schema(self._schema)
        except SchemaError as error:
            raise _refused(error.message[:200]) from error
        except RecursionError as error:
            raise _refused("it is nested too deep") from error
        self._validator: Validator = _bounded(kind)(self._schema, registry=referencing.Registry())

    def is_valid(self, value: Any) -> bool:  # noqa: ANN401 - any JSON value
        """Whether a value fits."""
        return self._look(value, lambda errors: next(errors, None)) is None

    def misfit(self, value: Any) -> ValidationError | None:  # noqa: ANN401 - any JSON value
        """The main reason why a value does not fit; None: it fits."""
        return self._look(value, jsonschema.exceptions.best_match)

    def _look(
        self,
        value: Any,  # noqa: ANN401 - any JSON value
        pick: Callable[[Iterator[ValidationError]], ValidationError | None],
    ) -> ValidationError | None:
        token = _budget.set(_Budget())
        try:
            return pick(self._validator.iter_errors(value))
        except _TooMuchWork as error:
            raise _refused(f"{error}") from error
        except RecursionError as error:
            raise _refused("it refers to itself without end") from error
        except referencing.exceptions.Unresolvable as error:
            raise _refused(f"it refers to {str(error.ref)[:100]!r}, which is not in it") from error
        finally:
            _budget.reset(token)


def shape_of(schema: Mapping[str, Any]) -> Shape:
    """The shape of a schema; recent ones are cached, since checking a schema takes longer than checking a value.

    Raises:
        OutputInvalid: As Shape.
    """
    return _shape(json_of(dict(schema)))


@lru_cache(64)
def _shape(schema: bytes) -> Shape:
    return Shape(orjson.loads(schema))


def _refused(why: str) -> OutputInvalid:
    return OutputInvalid(
        f"The asked shape is no JSON Schema that can be used: {why}.", field="schema"
    )


def _check_size_and_words(schema: Mapping[str, Any]) -> None:
    """Refuse a schema that takes long to check, or whose work cannot be counted."""
    parts, stack = 0, list[Any]([schema])
    while stack:
        part = stack.pop()
        if isinstance(part, Mapping):
            parts += 1
            if parts > _MOST_PARTS:
                raise _refused(f"it has more than {_MOST_PARTS} parts")
            if found := _NOT_HERE & part.keys():
                raise _refused(f"`{min(found)}` is not supported")
            stack.extend(part.values())
        elif isinstance(part, list):
            stack.extend(part)


@lru_cache(16)
def _bounded(kind: Any) -> Any:  # noqa: ANN401 - a class of validators
    """The same validator, but each of its checks is counted and patterns have a time limit."""
    own: dict[str, Keyword] = {
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "additionalProperties": _additional_properties,
    }
    checks = {
        word: _counted(own.get(word) or check) for word, check in dict(kind.VALIDATORS).items()
    }
    return jsonschema.validators.extend(kind, checks)


def _counted(check: Keyword) -> Keyword:
    def counted(validator: Any, wanted: Any, value: Any, schema: Any) -> Iterator[ValidationError]:  # noqa: ANN401
        _budget.get().spend()
        yield from check(validator, wanted, value, schema) or ()

    return counted


def _pattern(validator: Any, wanted: Any, value: Any, schema: Any) -> Iterator[ValidationError]:  # noqa: ANN401
    if isinstance(value, str) and not _budget.get().matches(wanted, value):
        yield ValidationError(f"{value[:80]!r} does not match {wanted[:80]!r}")


def _pattern_properties(
    validator: Validator, wanted: Mapping[str, Any], value: object, schema: object
) -> Iterator[ValidationError]:
    if not isinstance(value, dict):
        return
    for pattern, inner in wanted.items():
        for name, part in value.items():
            if _budget.get().matches(pattern, name):
                yield from validator.descend(part, inner, path=name, schema_path=pattern)


def _additional_properties(
    validator: Validator, wanted: object, value: object, schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    if not isinstance(value, dict):
        return
    known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    more = [
        name
        for name in value
        if name not in known
        and not any(_budget.get().matches(pattern, name) for pattern in patterns)
    ]
    if wanted is False and more:
        listed = ", ".join(repr(name[:40]) for name in sorted(more)[:5])
        verb = "was" if len(more) == 1 else "were"
        yield ValidationError(f"Additional properties are not allowed ({listed} {verb} unexpected)")
    elif isinstance(wanted, Mapping):
        for name in more:
            yield from validator.descend(value[name], wanted, path=name)

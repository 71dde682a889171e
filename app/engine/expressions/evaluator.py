"""Evaluating an expression: a walk over its checked tree that only ever sees JSON values."""

import ast
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from app.engine.expressions.budget import MAX_OUTPUT, Budget, copied, too_large
from app.engine.expressions.functions import FUNCTIONS, WrongArgument, is_number
from app.engine.expressions.syntax import CONSTANTS, Expression, parse, path_of
from app.kernel import jsons
from app.kernel.errors import ExpressionError

Json = Any  # a JSON value
Scope = Mapping[str, Json]
"""The names an expression may use: input, trigger, nodes, vars, context and so on."""

_ARITHMETIC: dict[type[ast.operator], tuple[str, Callable[[Any, Any], Any]]] = {
    ast.Add: ("+", operator.add),
    ast.Sub: ("-", operator.sub),
    ast.Mult: ("*", operator.mul),
    ast.Div: ("/", operator.truediv),
    ast.Mod: ("%", operator.mod),
}
_ORDER: dict[type[ast.cmpop], tuple[str, Callable[[Any, Any], bool]]] = {
    ast.Lt: ("<", operator.lt),
    ast.LtE: ("<=", operator.le),
    ast.Gt: (">", operator.gt),
    ast.GtE: (">=", operator.ge),
}
_JSON = (str, bool, int, float, dict, list, tuple, type(None))
_MAX_BITS = 1_024
_Operand = tuple[ast.AST, Json]


def evaluate(text: str, scope: Scope) -> Json:
    """Evaluate one expression, written without braces or wholly inside one pair.

    Raises:
        ExpressionError: It cannot be read, or a value does not fit; `context["path"]` names it.
    """
    return evaluate_parsed(parse(without_braces(text)), scope, Budget())


def without_braces(text: str) -> str:
    """Take the braces off `{{ … }}`: people type them into expression fields too."""
    bare = text.strip()
    return bare[2:-2] if bare.startswith("{{") and bare.endswith("}}") else text


def evaluate_parsed(expression: Expression, scope: Scope, budget: Budget) -> Json:
    """Evaluate a parsed expression.

    Returns:
        A value of its own, of at most 1 MiB. A larger one of the scope, which the expression only
        picks, is handed on as it is: whoever gets it must not change it.
    """
    walk = _Walk(scope, budget)
    value = walk.value(expression.tree)
    if walk.is_of_scope(value) and jsons.weighs_more(value, MAX_OUTPUT):
        return value
    if budget.weigh(value) > MAX_OUTPUT:
        what = f"`{expression.text.strip()[:80]}`"
        raise too_large(what, path=named(expression.tree))
    return copied(value)


def named(found: ast.AST) -> str:
    """How an error names a part of an expression: the path, or its text."""
    path = path_of(found)
    return ".".join(path) if path else ast.unparse(found)[:80]


def type_name(value: Json) -> str:
    """Name a value's type for people."""
    if value is None:
        return "empty (null)"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, (int, float)):
        return "a number"
    if isinstance(value, str):
        return "a text"
    return "an object" if isinstance(value, dict) else "a list"


class _Walk:
    def __init__(self, scope: Scope, budget: Budget) -> None:
        self.scope = scope
        self.budget = budget
        self.picked: set[int] = set()

    def is_of_scope(self, value: Json) -> bool:
        """Whether a text, list or object was there before: nothing has to be paid for it."""
        return isinstance(value, (str, list, tuple, dict)) and id(value) in self.picked

    def pick(self, value: Json, owner: Json) -> Json:
        """Note what is a part of something that was there before; it lives as long as the scope."""
        if owner is self.scope or id(owner) in self.picked:
            self.picked.add(id(value))
        return value

    def value(self, found: ast.AST) -> Json:
        self.budget.spend()
        value = _HANDLERS[type(found)](self, found)
        if not isinstance(value, _JSON):
            raise ExpressionError(
                f"`{named(found)}` is no JSON value and cannot be used here.", path=named(found)
            )
        return value

    def constant(self, found: ast.Constant) -> Json:
        value: Json = found.value
        return _number(value) if is_number(value) else value

    def name(self, found: ast.Name) -> Json:
        if found.id in CONSTANTS:
            return CONSTANTS[found.id]
        if found.id not in self.scope:
            known = ", ".join(sorted(self.scope)) or "nothing"
            raise ExpressionError(f"There is no `{found.id}` here. Known: {known}.", path=found.id)
        return self.pick(self.scope[found.id], self.scope)

    def attribute(self, found: ast.Attribute) -> Json:
        return self.member(self.value(found.value), found.attr, found.value)

    def member(self, owner: Json, key: str, found: ast.AST) -> Json:
        if owner is None:
            return None
        if isinstance(owner, dict):
            return self.pick(owner.get(key), owner)
        path = named(found)
        hint = " Write `len(…)` for its length." if key in ("length", "size", "count") else ""
        message = f"`{path}` is {type_name(owner)}, it has no field `{key}`.{hint}"
        raise ExpressionError(message, path=path)

    def subscript(self, found: ast.Subscript) -> Json:
        owner = self.value(found.value)
        if isinstance(found.slice, ast.Slice):
            return self.part(owner, found.slice, found.value)
        key = self.value(found.slice)
        if isinstance(key, str):
            return self.member(owner, key, found.value)
        if owner is None:
            return None
        if isinstance(owner, (str, list, tuple)) and _is_index(key):
            return self.pick(owner[key], owner) if -len(owner) <= key < len(owner) else None
        path = named(found.value)
        message = f"`{path}` is {type_name(owner)}; {type_name(key)} cannot pick from it."
        raise ExpressionError(message, path=path)

    def part(self, owner: Json, bounds: ast.Slice, found: ast.AST) -> Json:
        ends = [None if end is None else self.value(end) for end in (bounds.lower, bounds.upper)]
        if owner is None:
            return None
        if not all(end is None or _is_index(end) for end in ends):
            raise ExpressionError("The ends of a slice must be whole numbers.", path=named(found))
        if not isinstance(owner, (str, list, tuple)):
            path = named(found)
            message = f"`{path}` is {type_name(owner)}; only texts and lists have parts."
            raise ExpressionError(message, path=path)
        piece = owner[ends[0] : ends[1]]
        self.budget.count(len(piece))
        return piece

    def logic(self, found: ast.BoolOp) -> Json:
        stop_at = isinstance(found.op, ast.Or)
        value: Json = None
        for operand in found.values:
            value = self.value(operand)
            if bool(value) is stop_at:
                break
        return value

    def unary(self, found: ast.UnaryOp) -> Json:
        value = self.value(found.operand)
        if isinstance(found.op, ast.Not):
            return not value
        if not is_number(value):
            self.refuse(
                "-" if isinstance(found.op, ast.USub) else "+", found.operand, value, "a number"
            )
        return -value if isinstance(found.op, ast.USub) else value

    def binary(self, found: ast.BinOp) -> Json:
        sign, work = _ARITHMETIC[type(found.op)]
        left, right = self.value(found.left), self.value(found.right)
        if is_number(left) and is_number(right):
            try:
                return _number(work(left, right))
            except ZeroDivisionError as error:
                path = named(found.right)
                raise ExpressionError(
                    f"`{path}` is 0; nothing can be divided by it.", path=path
                ) from error
            except OverflowError as error:
                raise ExpressionError("The number is too large.", path=named(found)) from error
        if sign == "+" and isinstance(left, str) and isinstance(right, str):
            self.budget.build(len(left) + len(right))
            return left + right
        if sign == "+" and isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)):
            self.budget.count(len(left) + len(right))
            return [*left, *right]
        return self.unfit(sign, found, left, right)

    def unfit(self, sign: str, found: ast.BinOp, left: Json, right: Json) -> Json:
        if left is None:
            self.refuse(sign, found.left, left, "a value")
        if right is None:
            self.refuse(sign, found.right, right, "a value")
        if sign == "+":
            path = named(found)
            raise ExpressionError(
                f"`+` cannot join {type_name(left)} (`{named(found.left)}`) "
                f"with {type_name(right)} (`{named(found.right)}`). "
                "Make both texts with `str(…)`, or both numbers with `float(…)`.",
                path=path,
            )
        if not is_number(left):
            self.refuse(sign, found.left, left, "a number")
        return self.refuse(sign, found.right, right, "a number")

    def refuse(self, sign: str, found: ast.AST, value: Json, needs: str) -> NoReturn:
        path = named(found)
        readable = needs == "a number" and isinstance(value, str)
        hint = " Use `float(…)` to read it as a number." if readable else ""
        message = f"`{path}` is {type_name(value)}, but `{sign}` needs {needs}.{hint}"
        raise ExpressionError(message, path=path)

    def compare(self, found: ast.Compare) -> bool:
        left_node, left = found.left, self.value(found.left)
        for sign, right_node in zip(found.ops, found.comparators, strict=True):
            right = self.value(right_node)
            if not self.holds(sign, (left_node, left), (right_node, right)):
                return False
            left_node, left = right_node, right
        return True

    def holds(self, sign: ast.cmpop, left: _Operand, right: _Operand) -> bool:
        if isinstance(sign, (ast.Eq, ast.Is)):
            return self.equal(left[1], right[1])
        if isinstance(sign, (ast.NotEq, ast.IsNot)):
            return not self.equal(left[1], right[1])
        if isinstance(sign, (ast.In, ast.NotIn)):
            return self.member_of(left, right) is isinstance(sign, ast.In)
        return self.ordered(sign, left, right)

    def equal(self, left: Json, right: Json) -> bool:
        if isinstance(left, (dict, list, tuple)) and isinstance(right, (dict, list, tuple)):
            self.budget.weigh(left)
            self.budget.weigh(right)
        elif isinstance(left, str) and isinstance(right, str):
            self.budget.read(left)
        return bool(left == right)

    def member_of(self, left: _Operand, right: _Operand) -> bool:
        container, part = right[1], left[1]
        if isinstance(container, str):
            if not isinstance(part, str):
                self.refuse("in", left[0], part, "a text")
            self.budget.read(container)
            return part in container
        if isinstance(container, (list, tuple)):
            self.budget.weigh(container)
            self.budget.weigh(part)
            return part in container
        if isinstance(container, dict):
            return isinstance(part, str) and part in container
        return self.refuse("in", right[0], container, "a text, a list or an object")

    def ordered(self, sign: ast.cmpop, left: _Operand, right: _Operand) -> bool:
        mark, work = _ORDER[type(sign)]
        for found, value in (left, right):
            if value is None:
                self.refuse(mark, found, value, "a value")
        if is_number(left[1]) and is_number(right[1]):
            return work(left[1], right[1])
        if isinstance(left[1], str) and isinstance(right[1], str):
            self.budget.read(left[1])
            return work(left[1], right[1])
        path = named(left[0] if not is_number(left[1]) else right[0])
        raise ExpressionError(
            f"`{mark}` cannot compare {type_name(left[1])} (`{named(left[0])}`) "
            f"with {type_name(right[1])} (`{named(right[0])}`). "
            "Use `float(…)` to read a text as a number.",
            path=path,
        )

    def choice(self, found: ast.IfExp) -> Json:
        return self.value(found.body if self.value(found.test) else found.orelse)

    def items(self, found: ast.List | ast.Tuple) -> list[Json]:
        return [self.value(item) for item in found.elts]

    def fields(self, found: ast.Dict) -> dict[str, Json]:
        made: dict[str, Json] = {}
        for key_node, value_node in zip(found.keys, found.values, strict=True):
            key = self.value(key_node) if key_node else None
            if not isinstance(key, str):
                raise ExpressionError("The name of a field must be a text.", path=named(found))
            made[key] = self.value(value_node)
        return made

    def call(self, found: ast.Call) -> Json:
        function = FUNCTIONS[ast.unparse(found.func)]
        values = [self.value(argument) for argument in found.args]
        try:
            made = function.run(self.budget, *values)
        except WrongArgument as error:
            path, value = named(found.args[error.index]), values[error.index]
            message = f"`{function.name}` needs {error.needs}, but `{path}` is {type_name(value)}."
            raise ExpressionError(message, path=path) from error
        except (OverflowError, ValueError) as error:
            path = named(found.args[0])
            raise ExpressionError(
                f"`{function.name}` cannot work with `{path}`.", path=path
            ) from error
        except ExpressionError as error:
            raise ExpressionError(
                error.message, **{"path": named(found.args[0]), **error.context}
            ) from error
        return _number(made) if is_number(made) else made


def _is_index(value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: int | float) -> int | float:
    """Refuse what is no JSON number, and whole numbers so large that they slow us down."""
    if (isinstance(value, float) and not math.isfinite(value)) or (
        isinstance(value, int) and value.bit_length() > _MAX_BITS
    ):
        raise ExpressionError("The number is too large.")
    return value


_HANDLERS: dict[type[ast.AST], Callable[[_Walk, Any], Json]] = {
    ast.Constant: _Walk.constant,
    ast.Name: _Walk.name,
    ast.Attribute: _Walk.attribute,
    ast.Subscript: _Walk.subscript,
    ast.BoolOp: _Walk.logic,
    ast.UnaryOp: _Walk.unary,
    ast.BinOp: _Walk.binary,
    ast.Compare: _Walk.compare,
    ast.IfExp: _Walk.choice,
    ast.Call: _Walk.call,
    ast.List: _Walk.items,
    ast.Tuple: _Walk.items,
    ast.Dict: _Walk.fields,
}

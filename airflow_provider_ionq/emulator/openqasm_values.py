"""The numbers in an OpenQASM program."""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING

from openqasm3 import ast

from airflow_provider_ionq.emulator.failure import Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

CONSTANTS = {
    "pi": math.pi,
    "π": math.pi,
    "tau": math.tau,
    "τ": math.tau,
    "euler": math.e,
    "ℇ": math.e,
}
_BINARY: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    # Not the integer division of the language: its standard library writes pow(1/2) for a square root.
    "/": operator.truediv,
    "%": operator.mod,
    "**": operator.pow,
}
_FUNCTIONS: dict[str, Callable[..., float]] = {
    "arccos": math.acos,
    "arcsin": math.asin,
    "arctan": math.atan,
    "ceiling": math.ceil,
    "cos": math.cos,
    "exp": math.exp,
    "floor": math.floor,
    "log": math.log,
    "mod": math.fmod,
    "pow": math.pow,
    "sin": math.sin,
    "sqrt": math.sqrt,
    "tan": math.tan,
}


class Rejected(ValueError):
    """
    A program is not accepted.

    :param message: the problem in words.
    :param code: IonQ's code of the failure.
    """

    def __init__(self, message: str, code: str = "InvalidInput") -> None:
        super().__init__(message)
        self.failure = Failure(code, message)


def number(expression: ast.Expression, names: Mapping[str, float]) -> float:
    """
    Return the value of an expression.

    :param expression: an expression of numbers.
    :param names: values of constants and parameters.
    :raises Rejected: the expression has no value, or is of another kind.
    """
    try:
        value = _number(expression, names)
    except (ArithmeticError, RecursionError, TypeError, ValueError) as error:
        raise error if isinstance(error, Rejected) else Rejected("an expression has no value") from None
    if isinstance(value, complex) or not math.isfinite(value):
        raise Rejected("an expression is not a finite real number")
    return value


def whole(expression: ast.Expression, names: Mapping[str, float]) -> int:
    """
    Return the value of an expression that must be a whole number.

    :raises Rejected: it is not one.
    """
    value = number(expression, names)
    if value != int(value):
        raise Rejected(f"{value} is not a whole number")
    return int(value)


def _number(expression: ast.Expression, names: Mapping[str, float]) -> float:
    if isinstance(expression, ast.IntegerLiteral | ast.FloatLiteral):
        # Whole numbers too: a power of them could have a billion digits.
        return float(expression.value)
    if isinstance(expression, ast.Identifier):
        if expression.name not in names:
            raise Rejected(f"{expression.name} has no value")
        return names[expression.name]
    if isinstance(expression, ast.UnaryExpression) and expression.op.name == "-":
        return -_number(expression.expression, names)
    if isinstance(expression, ast.BinaryExpression) and expression.op.name in _BINARY:
        return _BINARY[expression.op.name](_number(expression.lhs, names), _number(expression.rhs, names))
    if isinstance(expression, ast.FunctionCall) and expression.name.name in _FUNCTIONS:
        return _FUNCTIONS[expression.name.name](*(_number(one, names) for one in expression.arguments))
    if isinstance(expression, ast.Cast) and isinstance(expression.type, ast.FloatType | ast.AngleType):
        return _number(expression.argument, names)
    raise Rejected(f"an expression of the kind {type(expression).__name__} is not supported")

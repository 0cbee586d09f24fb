"""How long a regular expression may take at worst, told from its structure before it runs.

Python's engine backtracks, and `(a+)+$` takes years for thirty letters. Patterns come from whoever posts runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from re import _parser as parser  # the standard library's own, without a public name
from typing import Any

MOST = 2_000_000


def cost(pattern: str, length: int) -> int:
    """How many ways there are to match `pattern` against `length` characters, at most `MOST`; at least 1.

    Raises re.error for one that Python does not know.
    """
    try:
        tree = parser.parse(pattern)
    except (RecursionError, OverflowError) as error:
        raise re.error("too large") from error
    ways = _sequence(tree, length)
    return ways if _is_anchored(tree) else min(MOST, ways * (length + 1))


def _is_anchored(tree: Any) -> bool:
    first, where = next(iter(tree), (None, None))
    return str(first) == "AT" and str(where) in ("AT_BEGINNING", "AT_BEGINNING_STRING")


def _sequence(tree: Iterable[tuple[Any, Any]], length: int) -> int:
    ways = 1
    for operator, operand in tree:
        ways = min(MOST, ways * _one(str(operator), operand, length))
    return ways


def _one(operator: str, operand: Any, length: int) -> int:
    match operator:
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            least, most, tree = operand
            return _repeated(least, most, tree, length)
        case "BRANCH":
            return sum(_sequence(branch, length) for branch in operand[1])
        case "SUBPATTERN":
            return _sequence(operand[-1], length)
        case "ATOMIC_GROUP":
            return _sequence(operand, length)
        case "ASSERT" | "ASSERT_NOT":
            return _sequence(operand[1], length)
        case "GROUPREF" | "GROUPREF_EXISTS":
            return MOST
        case _:
            return 1


def _repeated(least: int, most: Any, tree: Any, length: int) -> int:
    """An ambiguous part repeated multiplies with itself; any other can only end in so many places."""
    limit = min(int(most), length)
    ways: int = _sequence(tree, length)
    if ways == 1:
        return max(1, limit - least + 1)
    grown = 1
    for _ in range(limit):
        grown = min(MOST, grown * ways)
        if grown == MOST:
            break
    return grown

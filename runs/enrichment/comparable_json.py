"""JSON decoded for validation: numbers have a value that can be compared, or are refused."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

MAX_INTEGER_DIGITS = 1000  # Python refuses to convert more than 4300, and takes quadratic time for fewer
_MAX_QUOTED_LENGTH = 20


class IncomparableNumber(Exception):
    """The text contains a number that is too large to be compared."""


class InvalidConstant(Exception):
    """The text contains a constant that Python knows, but JSON does not."""


def decode_comparable_json(text: str) -> Any:
    """Return the value of `text`.

    Raises json.JSONDecodeError or InvalidConstant if it is not JSON, RecursionError if it is nested too deeply, and
    IncomparableNumber.
    """
    return _decoder.decode(text)


def _parse_integer(digits: str) -> int:
    if len(digits) > MAX_INTEGER_DIGITS:
        raise IncomparableNumber(f"the number {digits[:_MAX_QUOTED_LENGTH]}… has {len(digits):,} digits")
    return int(digits)


def _parse_float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise IncomparableNumber(f"the number {text[:_MAX_QUOTED_LENGTH]} is too large")
    return number


def _reject_constant(name: str) -> NoReturn:
    raise InvalidConstant(f"{name} is not a JSON value")


_decoder = json.JSONDecoder(parse_constant=_reject_constant, parse_int=_parse_integer, parse_float=_parse_float)

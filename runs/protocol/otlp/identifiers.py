"""The ids of traces and spans: 16 and 8 bytes, not all of them zero."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from runs.errors import InvalidObject, Problem

TRACE_ID_BYTES = 16
SPAN_ID_BYTES = 8

_HEX = re.compile(r"[0-9a-fA-F]+")


def normalize_otlp_id(value: Any, size: int, path: str) -> str:
    """Return an id of `size` bytes as lower-case hex.

    OTLP JSON has hex digits of any case; protobuf's own JSON mapping, which some exporters use, has base64.

    Raises:
        InvalidObject: the id has another length or only zeros. The problem is at `path`.
    """
    decoded = _decode_id(value, size)
    if decoded is None:
        raise InvalidObject(problems=[Problem(path, f"expected {size * 2} hexadecimal digits, found {_quote(value)}")])
    if not any(decoded):
        raise InvalidObject(problems=[Problem(path, "an id of zeros is invalid")])
    return decoded.hex()


def normalize_parent_id(value: Any, path: str) -> str | None:
    """Return the id of a parent span as lower-case hex, None if there is no parent.

    Raises:
        InvalidObject: the id has a wrong length.
    """
    if value in (None, "") or (isinstance(value, str) and not value.strip("0")):
        return None
    return normalize_otlp_id(value, SPAN_ID_BYTES, path)


def _decode_id(value: Any, size: int) -> bytes | None:
    if not isinstance(value, str):
        return None
    if len(value) == size * 2 and _HEX.fullmatch(value):
        return bytes.fromhex(value)
    try:
        decoded = base64.b64decode(value + "=" * (-len(value) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
    return decoded if len(decoded) == size else None


def _quote(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"

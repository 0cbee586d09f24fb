"""Read and write the attributes of OTLP JSON as Python values.

Values are read for the derivation of runs only: doubles lose digits here. What came is kept as it is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from runs.protocol.otlp.span import read_integer

Attributes = dict[str, Any]

_MAX_INTEGER = 2**63


def read_attributes(key_values: Any) -> Attributes:
    """Return attributes by name. Malformed ones are left out, and the last one of a name counts."""
    if not isinstance(key_values, list):
        return {}
    return {
        pair["key"]: read_any_value(pair.get("value"))
        for pair in key_values
        if isinstance(pair, dict) and isinstance(pair.get("key"), str)
    }


def read_any_value(value: Any) -> Any:
    """Return an AnyValue as a Python value; bytes stay base64. An empty or unknown one is None."""
    if not isinstance(value, dict):
        return None
    for kind, content in value.items():
        match kind:
            case "stringValue" | "boolValue" | "bytesValue":
                return content
            case "intValue":
                return read_integer(content)
            case "doubleValue":
                return _read_double(content)
            case "arrayValue":
                values = content.get("values") if isinstance(content, dict) else None
                return [read_any_value(element) for element in values] if isinstance(values, list) else []
            case "kvlistValue":
                return read_attributes(content.get("values")) if isinstance(content, dict) else {}
    return None


def encode_attributes(attributes: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return attributes as OTLP JSON, without those that are None."""
    return [{"key": name, "value": encode_any_value(value)} for name, value in attributes.items() if value is not None]


def encode_any_value(value: Any) -> dict[str, Any]:
    """Return a Python value as an AnyValue. Integers that are too long become doubles."""
    match value:
        case None:
            return {}
        case bool():
            return {"boolValue": value}
        case int() if abs(value) < _MAX_INTEGER:
            return {"intValue": str(value)}
        case int() | float():
            return {"doubleValue": float(value)}
        case str():
            return {"stringValue": value}
        case list() | tuple():
            return {"arrayValue": {"values": [encode_any_value(element) for element in value]}}
        case _:
            values = [{"key": name, "value": encode_any_value(item)} for name, item in value.items()]
            return {"kvlistValue": {"values": values}}


def _read_double(content: Any) -> float | None:
    try:
        number = float(content)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None

"""Read the attributes of OTLP JSON as Python values.

For the derivation of runs only: doubles lose digits here. What came is kept as it is.
"""

from __future__ import annotations

import math
from typing import Any

from runs.protocol.otlp.span import read_integer

Attributes = dict[str, Any]


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


def _read_double(content: Any) -> float | None:
    try:
        number = float(content)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None

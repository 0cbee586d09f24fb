"""Convert protobuf messages of OTLP to OTLP JSON, and back.

`google.protobuf.json_format` takes twenty times as long, and writes ids in base64. OTLP JSON has hex instead, and
numbers for enums; as in every JSON of protobuf, 64-bit integers are strings, and fields with default values are left
out. What was posted as JSON may have values that protobuf can't hold: these are left out on the way back.
"""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from runs.protocol.lossless_json import clean_text

_HEX_FIELDS = frozenset({"trace_id", "span_id", "parent_span_id"})
_LONG_TYPES = frozenset(
    {
        FieldDescriptor.TYPE_INT64,
        FieldDescriptor.TYPE_UINT64,
        FieldDescriptor.TYPE_FIXED64,
        FieldDescriptor.TYPE_SFIXED64,
        FieldDescriptor.TYPE_SINT64,
    }
)

_INTEGER_LIMITS = {
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, 2**64 - 1),
}

_Encoder = Callable[[Any], Any]


def encode_otlp_message(message: Message) -> dict[str, Any]:
    """Return the members of `message` in OTLP JSON."""
    members = {}
    for descriptor, value in message.ListFields():
        name, encode = _field_encoder(descriptor)
        members[name] = value if encode is None else encode(value)
    return members


@lru_cache(maxsize=256)  # there are some sixty fields
def _field_encoder(descriptor: FieldDescriptor) -> tuple[str, _Encoder | None]:
    encode = _value_encoder(descriptor)
    if descriptor.is_repeated:
        return descriptor.json_name, list if encode is None else lambda values: [encode(value) for value in values]
    return descriptor.json_name, encode


def _value_encoder(descriptor: FieldDescriptor) -> _Encoder | None:
    """Return the function that encodes a value of a field, None if the value is written as it is."""
    if descriptor.type == FieldDescriptor.TYPE_MESSAGE:
        return encode_otlp_message
    if descriptor.type == FieldDescriptor.TYPE_BYTES:
        return bytes.hex if descriptor.name in _HEX_FIELDS else lambda value: base64.b64encode(value).decode()
    if descriptor.type == FieldDescriptor.TYPE_DOUBLE:
        return _encode_double
    return str if descriptor.type in _LONG_TYPES else None


def _encode_double(value: float) -> float | str:
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")


def decode_otlp_message(descriptor: Descriptor, members: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a message, as its constructor takes them, for its members in OTLP JSON.

    Unknown members are left out, and so are values that do not fit their field.
    """
    fields = {}
    for field in descriptor.fields:
        value = members.get(field.json_name)
        if value is None:
            continue
        if field.is_repeated:
            elements = value if isinstance(value, list) else []
            decoded: Any = [item for element in elements if (item := _decode_value(field, element)) is not None]
        else:
            decoded = _decode_value(field, value)
        if decoded is not None:
            fields[field.name] = decoded
    return fields


def _decode_value(field: FieldDescriptor, value: Any) -> Any:
    """Return the value of a field; None if it does not fit."""
    match field.cpp_type:
        case FieldDescriptor.CPPTYPE_MESSAGE:
            return decode_otlp_message(field.message_type, value) if isinstance(value, Mapping) else None
        case FieldDescriptor.CPPTYPE_STRING if field.type == FieldDescriptor.TYPE_BYTES:
            return _decode_bytes(field, value)
        case FieldDescriptor.CPPTYPE_STRING:
            return clean_text(value) if isinstance(value, str) else None
        case FieldDescriptor.CPPTYPE_BOOL:
            return value if isinstance(value, bool) else None
        case FieldDescriptor.CPPTYPE_DOUBLE:
            return _decode_double(value)
        case FieldDescriptor.CPPTYPE_ENUM:
            return _decode_enum(field, value)
    return _decode_integer(value, *_INTEGER_LIMITS[field.cpp_type])


def _decode_bytes(field: FieldDescriptor, value: Any) -> bytes | None:
    try:
        return bytes.fromhex(value) if field.name in _HEX_FIELDS else base64.b64decode(value, validate=True)
    except (binascii.Error, TypeError, ValueError):
        return None


def _decode_enum(field: FieldDescriptor, value: Any) -> int | None:
    named = field.enum_type.values_by_name.get(value) if isinstance(value, str) else None
    return _decode_integer(value, *_INTEGER_LIMITS[FieldDescriptor.CPPTYPE_INT32]) if named is None else named.number


def _decode_integer(value: Any, minimum: int, maximum: int) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = int(value)
    except (ValueError, OverflowError):
        return None
    return number if minimum <= number <= maximum else None


def _decode_double(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None

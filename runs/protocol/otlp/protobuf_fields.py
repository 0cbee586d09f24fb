"""Split a protobuf message into its fields without parsing what is in them.

Parsing a whole body would take twenty times its size in memory if it consists of empty messages of two bytes each.
"""

from __future__ import annotations

from collections.abc import Iterator

from runs.errors import UnreadableBody

# https://protobuf.dev/programming-guides/encoding/#structure
_VARINT, _FIXED64, _LENGTH_DELIMITED, _FIXED32 = 0, 1, 2, 5
_FIXED_SIZES = {_FIXED64: 8, _FIXED32: 4}
_MAX_VARINT_BYTES = 10


def split_protobuf(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the number and the content of each length-delimited field. All other fields are skipped.

    Raises:
        UnreadableBody: the message is malformed, or breaks off.
    """
    position, size = 0, len(message)
    while position < size:
        tag, position = _read_varint(message, position)
        number, wire_type = tag >> 3, tag & 7
        if wire_type == _LENGTH_DELIMITED:
            length, position = _read_varint(message, position)
            if position + length > size:
                raise UnreadableBody(f"not protobuf: it breaks off, {position + length - size:,} bytes are missing")
            yield number, message[position : position + length]
            position += length
        elif wire_type == _VARINT:
            _, position = _read_varint(message, position)
        elif wire_type in _FIXED_SIZES:
            position += _FIXED_SIZES[wire_type]
        else:
            raise UnreadableBody(f"not protobuf: unknown wire type {wire_type}")
    if position > size:
        raise UnreadableBody("not protobuf: it breaks off")


def _read_varint(message: bytes, position: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, _MAX_VARINT_BYTES * 7, 7):
        if position >= len(message):
            raise UnreadableBody("not protobuf: it breaks off")
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise UnreadableBody("not protobuf: a number has more than 10 bytes")

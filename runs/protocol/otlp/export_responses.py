"""The responses of OTLP/HTTP, in the encoding of the request: an export response, or a google.rpc.Status."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from runs.protocol.otlp.export_requests import JSON_TYPE, PROTOBUF_TYPES

# https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto
_RPC_CODES = {401: 16, 403: 7, 404: 5, 405: 12, 413: 8, 429: 8, 503: 14}
_INVALID_ARGUMENT = 3


class OtlpPayload(NamedTuple):
    """The body of a response, and its content type."""

    content: bytes
    content_type: str


def encode_export_response(content_type: str, rejected_name: str, rejected: int, message: str) -> OtlpPayload:
    """Return an export response. It is empty if nothing was rejected and there is no `message`.

    `rejected_name` is the member that counts, such as `rejectedSpans`.
    """
    if is_json_type(content_type):
        if not rejected and not message:
            return OtlpPayload(b"{}", JSON_TYPE)
        partial = {rejected_name: str(rejected)} if rejected else {}
        partial |= {"errorMessage": message} if message else {}
        return OtlpPayload(msgspec.json.encode({"partialSuccess": partial}), JSON_TYPE)
    content = b""
    if rejected or message:
        # ExportTraceServiceResponse.partial_success = 1 {rejected_spans = 1, error_message = 2}
        content = _encode_bytes(1, _encode_integer(1, rejected) + _encode_bytes(2, message.encode()))
    return OtlpPayload(content, PROTOBUF_TYPES[0])


def encode_rpc_status(content_type: str, status_code: int, message: str) -> OtlpPayload:
    """Return the google.rpc.Status that explains a response with the HTTP status `status_code`."""
    code = _RPC_CODES.get(status_code, _INVALID_ARGUMENT if status_code < 500 else 13)
    if is_json_type(content_type):
        return OtlpPayload(msgspec.json.encode({"code": code, "message": message}), JSON_TYPE)
    return OtlpPayload(_encode_integer(1, code) + _encode_bytes(2, message.encode()), PROTOBUF_TYPES[0])


def is_json_type(content_type: str) -> bool:
    """Return whether a request is answered in JSON: unless it is protobuf."""
    return content_type.partition(";")[0].strip().lower() not in PROTOBUF_TYPES


def _encode_integer(number: int, value: int) -> bytes:
    return _encode_varint(number << 3) + _encode_varint(value) if value else b""


def _encode_bytes(number: int, content: bytes) -> bytes:
    return _encode_varint(number << 3 | 2) + _encode_varint(len(content)) + content if content else b""


def _encode_varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)

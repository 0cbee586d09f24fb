"""Tool outputs that look like errors.

The protocol does not say whether a tool failed: its output is whatever the application submits. So this is a guess,
and pages say so. It would rather miss an error than report an order whose payment failed as one.
"""

from __future__ import annotations

import json
import re
from typing import Any

MAX_QUOTED_LENGTH = 300  # characters of an output that are quoted
# Characters. Longer outputs are not parsed as JSON, and only their beginning is looked at.
_MAX_PARSED_LENGTH = 200_000

# Keys that may indicate an error. Without any of them, JSON need not be parsed.
_HINT = re.compile(
    r'"(?:[Ee]rrors?|error_?[Mm]essage|exception|traceback|success|ok|[Ii]s_?[Ee]rror|status|statusCode|status_code'
    r'|http_status|type)"\s*:'
)
_NO_ERROR = {"", "none", "null", "nil", "no", "false", "ok", "no error", "no errors", "n/a", "0"}
_ERROR_KEYS = ("error", "Error", "errors", "Errors", "exception", "traceback", "errorMessage", "error_message")
_STATUS_KEYS = ("status", "statusCode", "status_code", "http_status")
_SUCCESS_KEYS = ("success", "ok")
_FAILURE_KEYS = ("isError", "is_error", "iserror")
_MESSAGE_KEYS = ("message", "error_message", "errorMessage", "detail", "title", "reason", "msg", "description", "code")

_PHRASES = (
    "Bad Request|Unauthorized|Payment Required|Forbidden|Not Found|Method Not Allowed|Request Timeout|Conflict|Gone"
    "|Unprocessable Entity|Unprocessable Content|Too Many Requests|Internal Server Error|Not Implemented|Bad Gateway"
    "|Service Unavailable|Gateway Timeout|Client Error|Server Error"
)
_TRACEBACK = re.compile(r"^Traceback \(most recent call last\):", re.MULTILINE)
# How programs begin an error message: the class of an exception, the word "error", or an HTTP status line.
_OPENING = re.compile(
    r"(?:Uncaught |Unhandled )?(?:[A-Za-z_][\w.$]*(?:Error|Exception)|Error|ERROR|error|Exception)(?: \[\w+\])?:\s*\S"
    rf"|(?:HTTP(?:/\d(?:\.\d)?)? |HTTP Error )?[45]\d\d:? (?:{_PHRASES})\b"
    r"|HTTP(?:/\d(?:\.\d)?)? [45]\d\d\b"
    r"|HTTP Error [45]\d\d\b"
)


def find_output_error(output: str) -> str | None:
    """Return the error message in a tool's output, shortened, or None if it does not look like an error."""
    text = output.lstrip()
    if text.startswith(("{", '"')):
        return _find_in_json(text)
    return _find_in_text(text)


def _find_in_json(text: str) -> str | None:
    if len(text) > _MAX_PARSED_LENGTH or (text.startswith("{") and not _HINT.search(text)):
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    match value:
        case str():
            return _find_in_text(value.lstrip())
        case dict():
            return _find_in_object(value)
        case _:
            return None


def _find_in_object(output: dict[str, Any]) -> str | None:
    for key in _ERROR_KEYS:
        if _holds_error(output.get(key)):
            return _quote_message(_extract_message(output if output[key] is True else output[key]))
    if _reports_failure(output) or _has_error_status(output):
        return _quote_message(_extract_message(output))
    return None


def _holds_error(value: Any) -> bool:
    """Return whether a member named after errors has one: many tools send `"error": null` on success."""
    match value:
        case str():
            return value.strip().lower() not in _NO_ERROR
        case bool():
            return value
        case dict() | list():
            return bool(value)
        case _:
            return False


def _reports_failure(output: dict[str, Any]) -> bool:
    """Return whether the output says that it failed.

    `"success": false` without a reason may be a normal result, such as: this address is not valid.
    """
    if any(output.get(key) is True for key in _FAILURE_KEYS):
        return True
    has_reason = any(isinstance(output.get(key), str) for key in _MESSAGE_KEYS)
    return has_reason and any(output.get(key) is False for key in _SUCCESS_KEYS)


def _has_error_status(output: dict[str, Any]) -> bool:
    """Return whether there is an HTTP error status or the word "error"; "failed" may be the status of an order."""
    if any(_is_http_error(output.get(key)) for key in _STATUS_KEYS):
        return True
    return any(output.get(key) == "error" for key in ("status", "type"))


def _is_http_error(value: Any) -> bool:
    if isinstance(value, str) and re.fullmatch(r"[45]\d\d", value):
        return True
    return isinstance(value, int) and not isinstance(value, bool) and 400 <= value < 600


def _find_in_text(text: str) -> str | None:
    if _OPENING.match(text):
        return _quote_message(text)
    traceback = _TRACEBACK.search(text)
    if traceback is None:
        return None
    # the exception is the first line that is not indented
    lines = (line for line in text[traceback.start() :].splitlines()[1:] if line.strip() and not line[0].isspace())
    return _quote_message(next(lines, text[traceback.start() :]))


def _extract_message(error: Any) -> str:
    match error:
        case str():
            return error
        case dict():
            messages = (error.get(key) for key in _MESSAGE_KEYS)
            strings = (message for message in messages if isinstance(message, str) and message)
            return next(strings, None) or json.dumps(error, ensure_ascii=False)
        case [first, *_]:
            return _extract_message(first)
        case _:
            return json.dumps(error, ensure_ascii=False)


def _quote_message(message: str) -> str:
    """Return the message on one line, shortened if it is long."""
    line = " ".join(message[: 4 * MAX_QUOTED_LENGTH].split())
    return line if len(line) <= MAX_QUOTED_LENGTH else line[:MAX_QUOTED_LENGTH] + "…"

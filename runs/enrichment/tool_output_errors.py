"""Tool outputs that read like an error. Pure.

Nothing in the protocol says whether a tool failed: its output is whatever the application submits. So this is a
guess, and whoever shows it says so. It would rather miss an error than call an order whose payment failed one.
"""

from __future__ import annotations

import json
import re
from typing import Any

# The words that are quoted of an output.
MAX_QUOTED_LENGTH = 300
# Of longer outputs, only the beginning is looked at, and none is taken apart.
_MAX_PARSED_LENGTH = 200_000

# Telling keys; what has none of them need not be taken apart.
_HINT = re.compile(
    r'"(?:[Ee]rrors?|error_?[Mm]essage|exception|traceback|success|ok|[Ii]s_?[Ee]rror|status|statusCode|status_code'
    r'|http_status|type)"\s*:'
)
_NO_ERROR = {"", "none", "null", "nil", "no", "false", "ok", "no error", "no errors", "n/a", "0"}
_ERROR_KEYS = ("error", "Error", "errors", "Errors", "exception", "traceback", "errorMessage", "error_message")
_STATUS_KEYS = ("status", "statusCode", "status_code", "http_status")
_DENIALS = ("success", "ok")
_ADMISSIONS = ("isError", "is_error", "iserror")
_MESSAGE_KEYS = ("message", "error_message", "errorMessage", "detail", "title", "reason", "msg", "description", "code")

_PHRASES = (
    "Bad Request|Unauthorized|Payment Required|Forbidden|Not Found|Method Not Allowed|Request Timeout|Conflict|Gone"
    "|Unprocessable Entity|Unprocessable Content|Too Many Requests|Internal Server Error|Not Implemented|Bad Gateway"
    "|Service Unavailable|Gateway Timeout|Client Error|Server Error"
)
_TRACEBACK = re.compile(r"^Traceback \(most recent call last\):", re.MULTILINE)
# How programs begin what they say of a failure: a class of exceptions, the word itself, or a status line.
_OPENING = re.compile(
    r"(?:Uncaught |Unhandled )?(?:[A-Za-z_][\w.$]*(?:Error|Exception)|Error|ERROR|error|Exception)(?: \[\w+\])?:\s*\S"
    rf"|(?:HTTP(?:/\d(?:\.\d)?)? |HTTP Error )?[45]\d\d:? (?:{_PHRASES})\b"
    r"|HTTP(?:/\d(?:\.\d)?)? [45]\d\d\b"
    r"|HTTP Error [45]\d\d\b"
)


def find_output_error(output: str) -> str | None:
    """The words of `output` that read like an error, shortened; None where it does not look like one."""
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


def _find_in_object(posted: dict[str, Any]) -> str | None:
    for key in _ERROR_KEYS:
        if _holds_error(posted.get(key)):
            return _quote_message(_extract_message(posted if posted[key] is True else posted[key]))
    if _reports_failure(posted) or _has_failing_status(posted):
        return _quote_message(_extract_message(posted))
    return None


def _holds_error(value: Any) -> bool:
    """Whether a member that is named after errors holds one: many say `"error": null` of every success."""
    match value:
        case str():
            return value.strip().lower() not in _NO_ERROR
        case bool():
            return value
        case dict() | list():
            return bool(value)
        case _:
            return False


def _reports_failure(posted: dict[str, Any]) -> bool:
    """Whether it says so itself. No success without a reason may be an answer: this address is not valid."""
    if any(posted.get(key) is True for key in _ADMISSIONS):
        return True
    has_reason = any(isinstance(posted.get(key), str) for key in _MESSAGE_KEYS)
    return has_reason and any(posted.get(key) is False for key in _DENIALS)


def _has_failing_status(posted: dict[str, Any]) -> bool:
    """A status of HTTP, or the word `error`; `failed` may well be that of an order or a payment."""
    if any(_is_failing_code(posted.get(key)) for key in _STATUS_KEYS):
        return True
    return any(posted.get(key) == "error" for key in ("status", "type"))


def _is_failing_code(value: Any) -> bool:
    if isinstance(value, str) and re.fullmatch(r"[45]\d\d", value):
        return True
    return isinstance(value, int) and not isinstance(value, bool) and 400 <= value < 600


def _find_in_text(text: str) -> str | None:
    if _OPENING.match(text):
        return _quote_message(text)
    found = _TRACEBACK.search(text)
    return _quote_message(_last_traceback_line(text[found.start() :])) if found else None


def _last_traceback_line(text: str) -> str:
    """What a traceback ends in: its first line that is not indented."""
    lines = (line for line in text.splitlines()[1:] if line.strip() and not line[0].isspace())
    return next(lines, text)


def _extract_message(value: Any) -> str:
    """What an error says of itself."""
    match value:
        case str():
            return value
        case dict():
            found = (value.get(key) for key in _MESSAGE_KEYS)
            return next((each for each in found if isinstance(each, str) and each), _written(value))
        case [first, *_]:
            return _extract_message(first)
        case _:
            return _written(value)


def _written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _quote_message(words: str) -> str:
    """The words in one line, cut openly."""
    line = " ".join(words[: 4 * MAX_QUOTED_LENGTH].split())
    return line if len(line) <= MAX_QUOTED_LENGTH else line[:MAX_QUOTED_LENGTH] + "…"

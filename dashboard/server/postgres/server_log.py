"""Why Postgres could not start, from what it has written to its log."""

from __future__ import annotations

import re

NO_SPACE = "No space left on device"

_SEVERITY = re.compile(r"(?:FATAL|PANIC|error): +(?P<message>.*)$")  # `error` is the one of initdb
_EXPLANATION = re.compile(r"(?:DETAIL|HINT): +(?P<message>.*)$")
# What a connection gets while the server starts or stops: our own polls cause it.
_NOT_YET_READY = "the database system is "


def find_failure_reason(text: str) -> str:
    """Return the last fatal error in the log `text`, with its details; if there is none, the last lines of the log.

    After such an error, Postgres only logs which of its processes have ended.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    for index in reversed(range(len(lines))):
        match = _SEVERITY.search(lines[index])
        if match and not match["message"].startswith(_NOT_YET_READY):
            following = (_EXPLANATION.search(line) for line in lines[index + 1 : index + 3])
            return ". ".join(
                [match["message"].rstrip("."), *(found["message"].rstrip(".") for found in following if found)]
            )
    return " / ".join(lines[-3:])

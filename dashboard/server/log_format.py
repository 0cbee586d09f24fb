"""The formats of lines in the log: text for people, JSON for programs.

Both name the request that a line belongs to. Neither has anything of it but what its record has: no query string, no
body, no header.
"""

from __future__ import annotations

import json
import logging
import re
from datetime import UTC, datetime
from typing import Any

from dashboard.monitoring.request_record import RequestRecord, get_current_record

_SHARE_TOKEN = re.compile(r"/shared/[^/\s:]+")
_MAX_EXCEPTION_LENGTH = 10_000  # characters; the end says most


class TextFormatter(logging.Formatter):
    """Formats a record as a line of text, with the id of the request at its end."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name is the library's
        """Return the line, without the traceback that may follow."""
        request = get_current_record()
        line = mask_share_tokens(super().formatMessage(record))
        return line if request is None else f"{line} [{request.id}]"


class JsonFormatter(logging.Formatter):
    """Formats a record as an object of JSON on one line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": mask_share_tokens(record.getMessage()),
        }
        if action := getattr(record, "action", None):
            line["action"] = action
        if (request := get_current_record()) is not None:
            line |= _describe_request(request)
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)[-_MAX_EXCEPTION_LENGTH:]
        return json.dumps(line, default=str)


def mask_share_tokens(text: str) -> str:
    """Return `text` without the tokens of share links: whoever reads the log must not be able to open them."""
    return _SHARE_TOKEN.sub("/shared/…", text)


def _describe_request(request: RequestRecord) -> dict[str, Any]:
    """Return what is known about a request, without what is not."""
    fields = {
        "request_id": request.id,
        "method": request.method,
        "route": request.route,
        "status": request.status,
        "project": request.project,
        "key_prefix": request.key_prefix,
        "user_id": request.user_id,
        "address": request.address,
        "duration_ms": round(request.seconds * 1000, 1) if request.ended else None,
    }
    return {name: value for name, value in fields.items() if value}

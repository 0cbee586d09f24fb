"""Django's LOGGING: one line for each event on stderr, for web processes and commands alike."""

from __future__ import annotations

import logging
import re
from typing import Any


class RequestErrorFilter(logging.Filter):
    """Shortens the errors of requests that Django rejects to one line: their traceback says nothing more."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Drop the traceback, and name the setting as it is set in the environment. Return True."""
        record.exc_info = None
        record.msg = re.sub(r"\bALLOWED_HOSTS", "RUNGLASS_ALLOWED_HOSTS", str(record.msg))
        return True


LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "filters": {"request_error": {"()": RequestErrorFilter}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        "dashboard": {"level": "INFO"},
        "runs": {"level": "INFO"},
        "django": {"handlers": [], "level": "WARNING", "propagate": True},
        "django.request": {"level": "ERROR"},  # a 404 is not worth a line
        "django.security.DisallowedHost": {"filters": ["request_error"]},
        "django.server": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
        "_granian": {"level": "WARNING"},
    },
}

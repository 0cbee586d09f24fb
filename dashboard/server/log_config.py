"""Django's LOGGING: one line for each event on stderr, for web processes and commands alike."""

from __future__ import annotations

import copy
import logging
import re
from typing import Any

from dashboard.server.log_format import JsonFormatter, TextFormatter


class RequestErrorFilter(logging.Filter):
    """Shortens the errors of requests that Django rejects to one line: their traceback says nothing more."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Drop the traceback, and name the setting as it is set in the environment. Return True."""
        record.exc_info = None
        record.msg = re.sub(r"\bALLOWED_HOSTS", "RUNGLASS_ALLOWED_HOSTS", str(record.msg))
        return True


_LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "text": {"()": TextFormatter, "format": "{asctime} {levelname} {name}: {message}", "style": "{"},
        "json": {"()": JsonFormatter},
    },
    "filters": {"request_error": {"()": RequestErrorFilter}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "text"}},
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


def build_logging(log_format: str) -> dict[str, Any]:
    """Return LOGGING with lines in the format `text` or `json`."""
    config = copy.deepcopy(_LOGGING)
    config["handlers"]["stderr"]["formatter"] = log_format
    return config

"""Lines in the log as text and as JSON."""

from __future__ import annotations

import json
import logging
import sys

import pytest

from dashboard.monitoring.request_record import RequestRecord, bind_record
from dashboard.server.log_config import build_logging
from dashboard.server.log_format import JsonFormatter, TextFormatter

RECORD = logging.makeLogRecord(
    {"name": "runs", "levelname": "INFO", "msg": "said %s", "args": ("\n\ud800",), "action": "a"}
)


def test_text_names_the_request_only_within_one() -> None:
    formatter = TextFormatter("{levelname} {name}: {message}", style="{")
    assert formatter.format(RECORD) == "INFO runs: said \n\ud800"
    with bind_record(RequestRecord("id-1", "GET", "/", "")):
        assert formatter.format(RECORD) == "INFO runs: said \n\ud800 [id-1]"


def test_json_is_one_line() -> None:
    line = JsonFormatter().format(RECORD)
    assert "\n" not in line
    written = json.loads(line)
    assert (written["level"], written["logger"], written["message"]) == ("INFO", "runs", "said \n\ud800")
    assert written["action"] == "a"
    assert "request_id" not in written


def test_json_has_the_traceback() -> None:
    try:
        raise ValueError("x" * 100_000)
    except ValueError:
        record = logging.makeLogRecord({"msg": "failed", "exc_info": sys.exc_info()})
    assert len(JsonFormatter().format(record)) < 20_000


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_format_is_chosen(log_format: str) -> None:
    assert build_logging(log_format)["handlers"]["stderr"]["formatter"] == log_format


@pytest.mark.parametrize("path", ["/shared/tok-EN_1/", "/shared/tok-EN_1/run.json", "/runs/shared/tok-EN_1/"])
def test_tokens_of_share_links_are_masked(path: str) -> None:
    record = logging.makeLogRecord({"msg": "GET %s: 200", "args": (path,), "levelname": "INFO"})
    for formatter in (TextFormatter("{message}", style="{"), JsonFormatter()):
        line = formatter.format(record)
        assert "tok-EN_1" not in line
        assert "200" in line

"""The lines in the log."""

from __future__ import annotations

import logging

import pytest
from django.test import Client

from dashboard.server.log_config import RequestErrorFilter


def test_foreign_host_is_logged_in_one_line(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    assert client.get("/login/", headers={"Host": "evil.example"}).status_code == 400
    [record] = caplog.records
    assert record.exc_info is None
    assert record.getMessage() == (
        "Invalid HTTP_HOST header: 'evil.example'. You may need to add 'evil.example' to RUNGLASS_ALLOWED_HOSTS."
    )


def test_filter_may_be_installed_twice() -> None:
    record = logging.makeLogRecord({"msg": "Add it to ALLOWED_HOSTS."})
    for _ in range(2):
        assert RequestErrorFilter().filter(record)
    assert record.getMessage() == "Add it to RUNGLASS_ALLOWED_HOSTS."

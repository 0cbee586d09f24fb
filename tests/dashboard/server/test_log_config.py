"""The lines in the log."""

from __future__ import annotations

import pytest
from django.test import Client


def test_foreign_host_is_logged_in_one_line(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    assert client.get("/login/", headers={"Host": "evil.example"}).status_code == 400
    [record] = caplog.records
    assert record.exc_info is None
    assert record.getMessage() == (
        "Invalid HTTP_HOST header: 'evil.example'. You may need to add 'evil.example' to RUNGLASS_ALLOWED_HOSTS."
    )

"""Tests of the time zone of a request."""

from __future__ import annotations

import pytest
from django.test import RequestFactory

from dashboard.web.timezone import get_request_timezone


@pytest.mark.parametrize(
    ("cookie", "name"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        ("Asia/Calcutta", "Asia/Calcutta"),  # the name that browsers use for Asia/Kolkata
        ("America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires"),
        ("UTC", "UTC"),
        ("", "UTC"),
        ("Mars/Olympus", "UTC"),
        ("localtime", "UTC"),
        ("../../etc/passwd", "UTC"),
        ("europe/berlin", "UTC"),
    ],
)
def test_known_cookie_sets_the_timezone(cookie: str, name: str) -> None:
    request = RequestFactory().get("/")
    request.COOKIES["timezone"] = cookie
    assert get_request_timezone(request).key == name


def test_default_is_utc() -> None:
    assert get_request_timezone(RequestFactory().get("/")).key == "UTC"

"""The reader's time zone."""

from __future__ import annotations

import pytest
from django.test import RequestFactory

from dashboard.web.timezone import get_request_timezone


@pytest.mark.parametrize(
    ("cookie", "name"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        ("Asia/Calcutta", "Asia/Calcutta"),  # what browsers call Asia/Kolkata
        ("America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires"),
        ("UTC", "UTC"),
        ("", "UTC"),
        ("Mars/Olympus", "UTC"),
        ("localtime", "UTC"),
        ("../../etc/passwd", "UTC"),
        ("europe/berlin", "UTC"),
    ],
)
def test_it_is_the_one_of_the_cookie_or_utc(cookie: str, name: str) -> None:
    request = RequestFactory().get("/")
    request.COOKIES["timezone"] = cookie
    assert get_request_timezone(request).key == name


def test_without_a_cookie_it_is_utc() -> None:
    assert get_request_timezone(RequestFactory().get("/")).key == "UTC"

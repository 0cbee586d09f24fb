"""Browsers get icons at the root of the site."""

from __future__ import annotations

import pytest
from django.test import Client


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/favicon.ico", "/static/favicon.ico"),
        ("/apple-touch-icon.png", "/static/apple-touch-icon.png"),
        ("/apple-touch-icon-precomposed.png", "/static/apple-touch-icon.png"),
    ],
)
def test_icon_is_found(path: str, target: str) -> None:
    response = Client().get(path)
    assert (response.status_code, response["Location"]) == (302, target)

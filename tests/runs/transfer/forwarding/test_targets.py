from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured

from runs.transfer.forwarding.targets import ForwardTarget, parse_forward_targets


@pytest.mark.parametrize(
    ("urls", "headers", "expected"),
    [
        ("", "", []),
        ("http://phoenix:6006/", "", [("http://phoenix:6006/v1/traces", {})]),
        (
            "https://a.example/otel/v1/traces",
            "x=1,Y=a%20b=",
            [("https://a.example/otel/v1/traces", {"x": "1", "Y": "a b="})],
        ),
        (
            "https://a.example/otel, http://b:1",
            "Authorization=Basic%20cGs6c2s=;",
            [("https://a.example/otel/v1/traces", {"Authorization": "Basic cGs6c2s="}), ("http://b:1/v1/traces", {})],
        ),
    ],
)
def test_endpoints_and_headers(urls: str, headers: str, expected: list[tuple[str, dict[str, str]]]) -> None:
    assert [(target.url, target.headers) for target in parse_forward_targets(urls, headers)] == expected


@pytest.mark.parametrize(
    ("urls", "headers", "message"),
    [
        ("phoenix:6006", "", "expected https://"),
        ("ftp://a.example", "", "expected https://"),
        ("http://", "", "expected https://"),
        ("http://a.example:99999", "", "expected https://"),
        ("http://user:secret@a.example", "", "credentials belong into"),
        ("http://a.example?x=1", "", "without credentials and query"),
        ("http://a,http://a", "", "each once"),
        ("http://a,", "", "expected https://"),
        (",".join(f"http://a{n}" for n in range(6)), "", "at most 5"),
        ("", "x=secret", "has 0 endpoints"),
        ("http://a,http://b", "x=secret", "one list of headers for each"),
        ("http://a", "secret", "header 1 is invalid"),
        ("http://a", "Content-Type=secret", "header 1 is invalid"),
        ("http://a", "x=secret%0D%0AHost: b", "value of x has characters"),
    ],
)
def test_invalid_settings_are_refused(urls: str, headers: str, message: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=message) as raised:
        parse_forward_targets(urls, headers)
    assert "secret" not in str(raised.value)


def test_headers_are_not_shown() -> None:
    assert "secret" not in repr(ForwardTarget("http://a/v1/traces", {"x": "secret"}))

"""`up` says in sentences what is wrong with its settings."""

from __future__ import annotations

from typing import Any

import pytest

from dashboard.server.configuration_checks import find_configuration_problems
from tests.dashboard.server.test_up import run_failing

GOOD: dict[str, Any] = {
    "ALLOWED_HOSTS": ["runs.example"],
    "CSRF_TRUSTED_ORIGINS": ["https://runs.example"],
    "HTTPS": True,
    "SECRET_KEY": "k" * 20 + "0123456789abcdef" * 3,
    "SECURE_HSTS_SECONDS": 3600,
    "SESSION_COOKIE_SECURE": True,
    "CSRF_COOKIE_SECURE": True,
}


def find(settings: Any, host: str = "127.0.0.1", *, has_tls: bool = False, **changes: Any) -> list[str]:
    for name, value in {**GOOD, **changes}.items():
        setattr(settings, name, value)
    problems = find_configuration_problems(host, has_tls=has_tls)
    return [f"{'error' if problem.is_error else 'warning'}: {problem.message}" for problem in problems]


@pytest.mark.parametrize(
    "origins",
    [["https://runs.example"], ["https://runs.example:8443"], ["https://*.runs.example"], []],
)
def test_good_settings_have_no_problems(settings: Any, origins: list[str]) -> None:
    hosts = ["runs.example", ".runs.example"]
    assert find(settings, CSRF_TRUSTED_ORIGINS=origins, ALLOWED_HOSTS=hosts, HTTPS=bool(origins)) == []


def test_defaults_have_no_problems(settings: Any) -> None:
    hosts = ["localhost", "127.0.0.1", "[::1]"]
    off = {"SECURE_HSTS_SECONDS": 0, "SESSION_COOKIE_SECURE": False, "CSRF_COOKIE_SECURE": False, "HTTPS": False}
    assert find(settings, CSRF_TRUSTED_ORIGINS=[], ALLOWED_HOSTS=hosts, **off) == []


@pytest.mark.parametrize(
    ("origins", "sentence"),
    [
        (["runs.example"], "expected a scheme and a host, such as 'https://runs.example'"),
        (["runs.example:8443"], "expected a scheme and a host, such as 'https://runs.example:8443'"),
        (["https://"], "expected a scheme and a host"),
        (["ftp://runs.example"], "such as 'https://runs.example'"),
        (["https://runs.example/"], "an origin has no path; set 'https://runs.example'"),
        (["https://runs.example/app?x=1"], "an origin has no path; set 'https://runs.example'"),
        (["https://runs.example:443"], "leave out the default port; set 'https://runs.example'"),
        (["https://runs.example:port"], "expected https://HOST or https://HOST:PORT"),
        (["https://runs.example", "http://runs.example"], "mixes http and https"),
        ([""], "expected a scheme and a host"),
    ],
)
def test_invalid_origins_refuse_the_start(settings: Any, origins: list[str], sentence: str) -> None:
    errors = [problem for problem in find(settings, CSRF_TRUSTED_ORIGINS=origins) if problem.startswith("error")]
    assert errors
    assert all("RUNGLASS_TRUSTED_ORIGINS" in error for error in errors)
    assert sentence in errors[0]


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("https://runs.example", "runs.example"),
        ("https://runs.example:8443/app", "runs.example"),
        ("runs.example:8000", "runs.example"),
        ("runs.example/", "runs.example"),
        ("::1", "[::1]"),
        ("[::1]:8000", "[::1]"),
    ],
)
def test_invalid_hosts_refuse_the_start(settings: Any, host: str, name: str) -> None:
    (error,) = find(settings, ALLOWED_HOSTS=["runs.example", host])
    assert error.startswith(f"error: RUNGLASS_ALLOWED_HOSTS contains '{host}'")
    assert error.endswith(f"such as '{name}'")


@pytest.mark.parametrize(
    ("changes", "start"),
    [
        ({"ALLOWED_HOSTS": ["*"]}, "warning: RUNGLASS_ALLOWED_HOSTS contains '*'"),
        (
            {"ALLOWED_HOSTS": ["other.example"]},
            "warning: RUNGLASS_TRUSTED_ORIGINS contains 'https://runs.example'",
        ),
        ({"SECRET_KEY": "short"}, "warning: RUNGLASS_SECRET_KEY has 5 characters"),
        ({"DEBUG": True}, "warning: RUNGLASS_DEBUG is on"),
        ({"DEBUG": True, "host": "0.0.0.0"}, "error: RUNGLASS_DEBUG is on"),
        (
            {"host": "0.0.0.0", "HTTPS": False, "CSRF_TRUSTED_ORIGINS": []},
            "warning: Listening on 0.0.0.0 without TLS",
        ),
        ({"host": "192.0.2.7", "HTTPS": False, "CSRF_TRUSTED_ORIGINS": []}, "warning: Listening on 192.0.2.7 without"),
        (
            {"host": "0.0.0.0", "ALLOWED_HOSTS": ["localhost"], "CSRF_TRUSTED_ORIGINS": []},
            "warning: Listening on 0.0.0.0, but RUNGLASS_ALLOWED_HOSTS names only this machine (localhost)",
        ),
        ({"SECURE_CONTENT_TYPE_NOSNIFF": False}, "warning: Your SECURE_CONTENT_TYPE_NOSNIFF setting is not set"),
    ],
)
def test_risky_settings_are_named(settings: Any, changes: dict[str, Any], start: str) -> None:
    (problem,) = find(settings, **changes)
    assert problem.startswith(start)


def test_up_refuses_invalid_settings_in_one_line(tmp_path: Any) -> None:
    error = run_failing(tmp_path, "--port", "0", RUNGLASS_TRUSTED_ORIGINS="runs.example")
    assert "RUNGLASS_TRUSTED_ORIGINS contains 'runs.example': expected a scheme" in error

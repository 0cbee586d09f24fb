"""RUNGLASS_URL gives the host, the origin and the path of the site."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from dashboard.server.site_url import parse_site_url
from dashboard.server.site_url_checks import find_site_url_problems
from tests.dashboard.server.test_up import ROOT, environment_for, run_failing

SETTINGS = (
    "ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS", "HTTPS", "FORCE_SCRIPT_NAME", "STATIC_URL", "SESSION_COOKIE_PATH",
    "CSRF_COOKIE_PATH", "CSRF_COOKIE_NAME",
)  # fmt: skip
LOOPBACK = ["localhost", "127.0.0.1", "[::1]"]


@pytest.mark.parametrize(
    ("text", "origin", "script_name"),
    [
        ("https://runs.example", "https://runs.example", ""),
        ("https://runs.example/", "https://runs.example", ""),
        ("https://RUNS.example:443/a/b", "https://runs.example", "/a/b"),
        ("http://127.0.0.1:8000/runglass/", "http://127.0.0.1:8000", "/runglass"),
        ("https://[::1]:8443/x_1.2~/", "https://[::1]:8443", "/x_1.2~"),
    ],
)
def test_address_has_origin_and_path(text: str, origin: str, script_name: str) -> None:
    site_url = parse_site_url(text)
    assert site_url is not None
    assert (site_url.origin, site_url.script_name, str(site_url)) == (origin, script_name, f"{origin}{script_name}/")
    assert parse_site_url("") is None


@pytest.mark.parametrize(
    "text",
    [
        "runs.example", "ftp://runs.example", "https://", "https://runs.example:port", "https://user@runs.example",
        "https://runs.example/?a=1", "https://runs.example/#a", "https://runs.example/a b/", "https://runs.example//a",
        "https://runs.example/../", "https://runs.example/a/./b", "https://runs.example/%61", "https://rüns.example",
        "https://-runs.example", "https://*.example",
    ],
)  # fmt: skip
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="Invalid RUNGLASS_URL"):
        parse_site_url(text)


def read_settings(tmp_path: Any, **environment: str) -> list[Any]:
    """Return the SETTINGS of a process with this environment."""
    code = f"import json; from dashboard import settings as s; print(json.dumps([getattr(s, n) for n in {SETTINGS}]))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT, env=environment_for(tmp_path, **environment), capture_output=True, text=True, check=True,
    )  # fmt: skip
    values: list[Any] = json.loads(done.stdout)
    return values


def test_settings_follow_from_the_address(tmp_path) -> None:
    *values, cookie_name = read_settings(tmp_path, RUNGLASS_URL="https://runs.example/app")
    path = "/app"
    assert values == [[*LOOPBACK, "runs.example"], ["https://runs.example"], True, path, "/app/static/", path, path]
    assert cookie_name.startswith("__Secure-runglass_csrf_")


def test_site_at_the_root_has_no_prefix(tmp_path) -> None:
    *values, cookie_name = read_settings(tmp_path, RUNGLASS_URL="https://runs.example:8443")
    hosts = [*LOOPBACK, "runs.example"]
    assert values == [hosts, ["https://runs.example:8443"], True, None, "/static/", "/", "/"]
    assert cookie_name.startswith("__Host-runglass_csrf_")


@pytest.mark.parametrize(
    ("url", "hosts", "origins", "sentences"),
    [
        ("https://runs.example/app", ["runs.example"], ["https://runs.example"], []),
        ("https://a.runs.example", [".runs.example"], ["https://*.runs.example"], []),
        ("https://runs.example", ["other.example"], ["https://runs.example"], ["RUNGLASS_ALLOWED_HOSTS does not"]),
        ("https://runs.example", ["*"], ["http://runs.example"], ["RUNGLASS_TRUSTED_ORIGINS does not"]),
        ("https://runs.example:8443", ["*"], ["https://runs.example"], ["'https://runs.example:8443': add it, or"]),
        ("https://runs.example", ["*"], ["https://*.example.org"], ["RUNGLASS_TRUSTED_ORIGINS does not"]),
        *(
            (f"https://runs.example/{segment}/", ["*"], ["https://runs.example"], [f"pages below /{segment}/ itself"])
            for segment in ("p", "api", "v1", "openai", "static", "login", "healthz")
        ),
    ],
)
def test_contradictions_are_named(settings, url, hosts, origins, sentences) -> None:
    settings.ALLOWED_HOSTS, settings.CSRF_TRUSTED_ORIGINS = hosts, origins
    problems = list(find_site_url_problems(parse_site_url(url)))
    assert len(problems) == len(sentences)
    assert all(sentence in problem for sentence, problem in zip(sentences, problems, strict=True))


def test_up_refuses_contradictory_settings(tmp_path) -> None:
    environment = {"RUNGLASS_URL": "https://runs.example", "RUNGLASS_ALLOWED_HOSTS": "other.example"}
    assert "RUNGLASS_URL is 'https://runs.example/', but" in run_failing(tmp_path, "--port", "0", **environment)

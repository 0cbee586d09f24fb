"""A refused form is explained to the visitor on the page, and to the operator in the log."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from dashboard.pages.account import csrf_failure_views
from runs.team.report_limiter import ReportLimiter
from tests import factories
from tests.pages import Page

pytestmark = pytest.mark.django_db
HOST = "runs.example"
TLS = {"X-Forwarded-Proto": "https"}


@pytest.fixture(autouse=True)
def site(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    settings.ALLOWED_HOSTS = [HOST]
    monkeypatch.setattr(csrf_failure_views, "_advice_limiter", ReportLimiter())
    return settings


def use_tls(settings: Any, *origins: str) -> None:
    settings.CSRF_TRUSTED_ORIGINS = list(origins)
    settings.CSRF_COOKIE_SECURE = True
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")


def submit(headers: dict[str, str], *, is_cookie_sent: bool = True, path: str = "/login/?next=/p/x/") -> Any:
    """Open the sign-in form and submit it as a browser would that sends `headers`."""
    client = Client(enforce_csrf_checks=True, headers={"Host": HOST, **headers})
    form = Page(client.get("/login/")).form("Sign in")
    token = read_token(form)
    if not is_cookie_sent:
        client.cookies.clear()
    return client.post(path, {"csrfmiddlewaretoken": token, "username": "mira", "password": "x"})


def read_token(form: Any) -> str:
    return next(element.value for element in form.iterate(hidden=True) if element.get("name") == "csrfmiddlewaretoken")


@pytest.mark.parametrize(
    ("origins", "headers", "title", "advice"),
    [
        pytest.param(
            [], {"Origin": f"https://{HOST}"},
            f"This server does not expect forms from https://{HOST}",
            f"set RUNGLASS_TRUSTED_ORIGINS=https://{HOST}", id="proxy with TLS and no origin set",
        ),
        pytest.param(
            [f"https://{HOST}"], {"Origin": f"https://{HOST}:8443", **TLS},
            f"This server does not expect forms from https://{HOST}:8443",
            f"set RUNGLASS_TRUSTED_ORIGINS=https://{HOST}:8443", id="port missing",
        ),
        pytest.param(
            ["https://other.example"], {"Origin": f"https://{HOST}:8443", **TLS},
            f"This server does not expect forms from https://{HOST}:8443",
            f"set RUNGLASS_TRUSTED_ORIGINS=https://other.example,https://{HOST}:8443", id="another origin is kept",
        ),
        pytest.param(
            [f"https://{HOST}"], {"Referer": "https://evil.example/x", **TLS},
            "This server does not expect forms from https://evil.example",
            "If this is an address of this site, set RUNGLASS_TRUSTED_ORIGINS=", id="referer of another site",
        ),
        pytest.param(
            [f"https://{HOST}"], {"Origin": "null", **TLS},
            "Your browser did not say where the form came from",
            "Referrer-Policy: no-referrer", id="no-referrer hides the origin",
        ),
        pytest.param(
            [f"https://{HOST}"], TLS,
            "Your browser did not say where the form came from",
            "Referrer-Policy: no-referrer", id="neither origin nor referer",
        ),
        pytest.param(
            [f"https://{HOST}"], {"Referer": f"http://{HOST}/login/", **TLS},
            "This site must be opened with https", "X-Forwarded-Proto", id="opened without TLS",
        ),
    ],
)  # fmt: skip
def test_refused_origin_is_explained(
    site: Any, origins: list[str], headers: dict[str, str], title: str, advice: str, caplog: pytest.LogCaptureFixture
) -> None:
    if origins:
        use_tls(site, *origins)
    response = submit(headers)
    assert response.status_code == 403
    page = Page(response)
    assert page.alert().text.startswith(title)
    assert page.field("User name").value == "mira"
    (record,) = [record for record in caplog.records if record.__dict__.get("action") == "csrf_failure"]
    assert advice in record.getMessage()


def test_blocked_cookie_is_explained(caplog: pytest.LogCaptureFixture) -> None:
    page = Page(submit({"Origin": f"http://{HOST}"}, is_cookie_sent=False))
    assert page.alert().text.startswith("Your browser did not send the cookie of this site")
    assert not [record for record in caplog.records if record.name.startswith("dashboard")]


def test_secure_cookie_over_http_is_explained(site: Any, caplog: pytest.LogCaptureFixture) -> None:
    use_tls(site, f"https://{HOST}")
    page = Page(submit({"Origin": f"http://{HOST}"}, is_cookie_sent=False))
    assert page.alert().text.startswith("This site must be opened with https")
    assert "RUNGLASS_TRUSTED_ORIGINS makes cookies secure" in caplog.text


def test_advice_is_logged_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(5):
        submit({"Origin": f"https://{HOST}"})
    assert caplog.text.count("RUNGLASS_TRUSTED_ORIGINS") == 1


def test_expired_sign_in_form_is_shown_afresh() -> None:
    user = factories.make_user(factories.make_project(), name="mira")
    client = Client(enforce_csrf_checks=True, headers={"Host": HOST, "Origin": f"http://{HOST}"})
    client.get("/login/")
    posted = {"username": user.username, "password": factories.PASSWORD}
    response = client.post("/login/?next=/p/default/usage/", posted | {"csrfmiddlewaretoken": "x" * 64})
    page = Page(response)
    assert (response.status_code, page.alert().text.startswith("This form has expired")) == (403, True)
    token = read_token(page.form("Sign in"))
    again = client.post(page.form("Sign in").get("action") or "", posted | {"csrfmiddlewaretoken": token})
    assert again["Location"] == "/p/default/usage/"


def test_expired_form_of_a_page_leads_back() -> None:
    user = factories.make_user(factories.make_project(), role="admin")
    client = Client(enforce_csrf_checks=True, headers={"Host": HOST, "Origin": f"http://{HOST}"})
    client.force_login(user)
    client.get("/p/default/settings/")
    form_page = f"http://{HOST}/p/default/settings/"
    response = client.post("/p/default/settings/name", {"name": "x"}, headers={"Referer": form_page})
    page = Page(response)
    assert page.has("heading", "This form has expired")
    assert page.link("Open the form again").url == form_page


def test_other_sites_are_not_linked() -> None:
    client = Client(enforce_csrf_checks=True, headers={"Host": HOST, "Referer": "https://evil.example/"})
    client.force_login(factories.make_user(factories.make_project(), role="admin"))
    client.get("/p/default/settings/")
    response = client.post("/p/default/settings/name", {"name": "x"})
    assert not Page(response).has("link", "Open the form again")
    assert "evil.example" not in response.content.decode()

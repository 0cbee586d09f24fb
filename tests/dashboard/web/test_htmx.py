"""Tests of the choice of a template for every kind of request."""

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django_htmx.middleware import HtmxDetails

from dashboard.web import htmx

FRAGMENTS = {"problem": "pages/connect/_waiting.html"}
PAGE = "web/errors/404.html"


def request_with(**headers: str) -> HttpRequest:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = RequestFactory().get("/", headers=named)
    request.htmx = HtmxDetails(request)  # type: ignore[attr-defined]
    return request


@pytest.fixture
def rendered(monkeypatch):
    """The names of the rendered templates, in order."""
    names: list[str] = []

    def remember(request, template, context, status):
        names.append(template)
        return HttpResponse(status=status)

    monkeypatch.setattr(htmx, "render", remember)
    return names


@pytest.mark.parametrize(
    ("headers", "template"),
    [
        ({}, PAGE),
        ({"HX_Target": "problem"}, PAGE),
        ({"HX_Request": "true", "HX_Target": "problem"}, "pages/connect/_waiting.html"),
        ({"HX_Request": "true", "HX_Target": "elsewhere"}, PAGE),
        ({"HX_Request": "true"}, PAGE),
        ({"HX_Request": "true", "HX_Target": "problem", "HX_Boosted": "true"}, PAGE),
        ({"HX_Request": "true", "HX_Target": "problem", "HX_History_Restore_Request": "true"}, PAGE),
    ],
    ids=["browser", "forged target", "fragment", "other target", "no target", "boosted", "history"],
)
def test_target_selects_the_template(headers, template, rendered):
    response = htmx.render_page(request_with(**headers), PAGE, {}, FRAGMENTS, status=422)
    assert rendered == [template]
    assert response.status_code == 422
    assert set(response["Vary"].split(", ")) == set(htmx.VARY_HEADERS)


def test_vary_is_added_to_existing_values(rendered, monkeypatch):
    def varying(*args, **kwargs):
        return HttpResponse(headers={"Vary": "Cookie"})

    monkeypatch.setattr(htmx, "render", varying)
    response = htmx.render_page(request_with(), PAGE, {})
    assert response["Vary"].startswith("Cookie, ")


@pytest.mark.parametrize(
    ("headers", "partial"),
    [
        ({}, False),
        ({"HX_Request": "true"}, True),
        ({"HX_Request": "true", "HX_Boosted": "true"}, False),
        ({"HX_Request": "true", "HX_History_Restore_Request": "true"}, False),
    ],
)
def test_partial_requests_are_recognised(headers, partial):
    assert htmx.is_partial_request(request_with(**headers)) is partial


def test_current_page_is_known_by_its_path():
    request = request_with(HX_Request="true", HX_Current_URL="http://testserver/p/default/runs/?status=failed")
    assert htmx.get_current_page_path(request) == "/p/default/runs/?status=failed"


def test_page_of_another_host_is_unknown():
    assert htmx.get_current_page_path(request_with(HX_Request="true", HX_Current_URL="https://evil.example/")) == ""

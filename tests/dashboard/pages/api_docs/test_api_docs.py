"""The API reference shows the whole OpenAPI document, to everybody."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from dashboard.pages.api_docs.reference import ApiReference
from dashboard.pages.api_docs.schema_types import describe_limits, describe_type
from runs.api.openapi import build_openapi_document
from tests.pages import Page

pytestmark = pytest.mark.django_db

URL = "/api/v1/docs"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return build_openapi_document()


@pytest.fixture
def page() -> Page:
    return Page(Client().get(URL))


def test_reference_has_every_operation(document: dict[str, Any]) -> None:
    found = {
        (operation.path, operation.method): ([field.name for _, field in operation.params], len(operation.responses))
        for tag in ApiReference.build(document).tags
        for operation in tag.operations
    }
    assert found == {
        (path, method.upper()): (
            [param["name"] for param in operation.get("parameters", ())],
            len(operation["responses"]),
        )
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def test_reference_has_every_schema(document: dict[str, Any]) -> None:
    schemas = {schema.name: [field.name for field in schema.fields] for schema in ApiReference.build(document).schemas}
    expected = document["components"]["schemas"].items()
    assert schemas == {name: list(schema.get("properties", {})) for name, schema in expected}


def test_operation_shows_parameters_and_responses(page: Page) -> None:
    section = page.region("Get a run")
    assert "GET /api/v1/runs/{run_id}" in section.text
    assert section.table("Parameters of Get a run").row("run_id")["Parameter"].text == "run_id required in path"
    assert (
        section.table("Responses of Get a run").row("404")["Body"].link("ErrorResponse").url == "#schema-ErrorResponse"
    )


def test_examples_are_shown(page: Page) -> None:
    section = page.region("Post runs")
    assert section.has("button", "Example: Single object")
    assert '"thread_id": "thread_first"' in section.text


def test_links_lead_to_sections() -> None:
    html = Client().get(URL).content.decode()
    anchors = set(re.findall(r'href="#([^"]+)"', html))
    assert len(anchors) > 50
    assert anchors <= set(re.findall(r'id="([^"]+)"', html))


def test_chapters_of_the_guide_are_linked(page: Page) -> None:
    assert page.region("Post runs").link("Posting objects").url == "#guide-posting-objects"


def test_page_leads_back_to_the_project(member_client: Client) -> None:
    page = Page(member_client.get(URL))
    assert page.main.link("Connect").url == "/p/default/connect/"
    assert page.navigation("Main").link("Runs").url == "/p/default/runs/"
    assert Page(Client().get(URL)).main.link("Sign in").url == "/login/"


def test_policy_is_that_of_other_pages() -> None:
    policies = {Client().get(url)["Content-Security-Policy"] for url in (URL, "/login/")}
    assert len(policies) == 1


@pytest.mark.parametrize(
    ("schema", "text", "limits"),
    [
        ({"type": "string", "minLength": 1, "maxLength": 9}, "string", "at least 1 characters, at most 9 characters"),
        ({"type": ["integer", "null"], "minimum": 0}, "integer or null", "at least 0"),
        (
            {"type": "array", "items": {"type": "string", "maxLength": 3}},
            "array of string",
            "each at most 3 characters",
        ),
        ({"anyOf": [{"$ref": "#/components/schemas/Run"}, {"type": "null"}]}, "Run or null", ""),
        ({"enum": ["a", 1]}, '"a" or 1', ""),
        ({"const": "list"}, '"list"', ""),
        ({"type": "object", "additionalProperties": {"type": "string"}}, "object of string", ""),
        ({"type": "object", "additionalProperties": True}, "object", ""),
        ({"type": "object", "properties": {"n": {"type": "integer"}}}, "object {n: integer}", ""),
        ({}, "any value", ""),
    ],
)
def test_schema_is_put_into_words(schema: dict[str, Any], text: str, limits: str) -> None:
    assert "".join(part.text for part in describe_type(schema)) == text
    assert describe_limits(schema) == limits

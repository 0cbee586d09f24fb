"""The page of the API reference, at `/api/v1/docs`."""

from __future__ import annotations

from functools import cache

from django.http import HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from drf_spectacular.utils import extend_schema_view
from rest_framework.request import Request

from dashboard.pages.api_docs.reference import ApiReference
from runs.api.base_views import StrictApiView
from runs.api.openapi import build_openapi_document
from runs.api.openapi.operations import describe_public_read


@extend_schema_view(
    get=describe_public_read(
        "get_docs",
        "Get this document as a page",
        {"text/html": {"type": "string"}},
        "Returns a page for reading this document.",
        400,
    )
)
class ApiDocsView(StrictApiView):
    """`/api/v1/docs`. It requires neither a session nor an API key."""

    authentication_classes = []
    permission_classes = []

    def perform_authentication(self, request: Request) -> None:
        """Leave the user of the session alone, whom the header of the page names."""

    def get(self, request: Request) -> HttpResponse:
        """Render the page."""
        context = {"reference_html": _render_reference()}
        return render(request._request, "pages/api_docs/page.html", context)  # noqa: SLF001 - the shell reads Django's


@cache  # it is the same for everybody until the next start
def _render_reference() -> SafeString:
    reference = ApiReference.build(build_openapi_document())
    return render_to_string("pages/api_docs/_reference.html", {"reference": reference})

"""The API's description: as OpenAPI 3.1 for programs, and as a page for people. Neither needs a key."""

from __future__ import annotations

from functools import cache

from csp.decorators import csp_update
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.decorators import method_decorator
from drf_spectacular.renderers import OpenApiJsonRenderer, OpenApiYamlRenderer, OpenApiYamlRenderer2
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request

from runs.api.base_views import StrictApiView
from runs.api.openapi import build_openapi_document
from runs.api.openapi.operations import described, serves

_RENDERERS: list[type[BaseRenderer]] = [
    JSONRenderer,
    OpenApiJsonRenderer,
    OpenApiYamlRenderer2,
    OpenApiYamlRenderer,
]


@described(
    get=serves("get_schema", "This document", {each.media_type: {"type": "object"} for each in _RENDERERS}, 400, 406)
)
class OpenApiSchemaView(StrictApiView):
    """`/api/v1/schema`"""

    authentication_classes = []
    permission_classes = []
    renderer_classes = _RENDERERS
    content_negotiation_class = DefaultContentNegotiation

    def get(self, request: Request) -> HttpResponse:
        """The OpenAPI document: JSON, or YAML where only that is accepted."""
        media_type = request.accepted_renderer.media_type
        return HttpResponse(_rendered(media_type), content_type=media_type)


@described(get=serves("get_docs", "This document as a page", {"text/html": {"type": "string"}}, 400))
# Swagger UI's own stylesheet draws its icons from data: URLs; it needs nothing else beyond the site's policy.
@method_decorator(csp_update({"img-src": ["data:"]}), name="dispatch")
class ApiDocsView(StrictApiView):
    """`/api/v1/docs`"""

    authentication_classes = []
    permission_classes = []

    def get(self, request: Request) -> HttpResponse:
        """A page to read the document on, and to try the API with a key."""
        return render(request._request, "api/docs.html")  # noqa: SLF001 - templates know Django's requests


@cache
def _rendered(media_type: str) -> str | bytes:
    # kept, since it takes a second to make and nobody needs a key to ask for it
    renderer = next(each for each in _RENDERERS if each.media_type == media_type)
    return renderer().render(build_openapi_document(), media_type, {})

"""The view of the API's OpenAPI document. It requires no API key."""

from __future__ import annotations

from functools import cache

from django.http import HttpResponse
from drf_spectacular.renderers import OpenApiJsonRenderer, OpenApiYamlRenderer, OpenApiYamlRenderer2
from drf_spectacular.utils import extend_schema_view
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request

from runs.api.base_views import StrictApiView
from runs.api.openapi import build_openapi_document
from runs.api.openapi.operations import describe_public_read

_RENDERERS: list[type[BaseRenderer]] = [
    JSONRenderer,
    OpenApiJsonRenderer,
    OpenApiYamlRenderer2,
    OpenApiYamlRenderer,
]


@extend_schema_view(
    get=describe_public_read(
        "get_schema",
        "Get this document",
        {renderer.media_type: {"type": "object"} for renderer in _RENDERERS},
        "Returns this OpenAPI document as JSON, or as YAML if `Accept` asks for it.",
        400,
        406,
    )
)
class OpenApiSchemaView(StrictApiView):
    """`/api/v1/schema`."""

    authentication_classes = []
    permission_classes = []
    renderer_classes = _RENDERERS
    content_negotiation_class = DefaultContentNegotiation

    def get(self, request: Request) -> HttpResponse:
        """Return the OpenAPI document."""
        media_type = request.accepted_renderer.media_type
        return HttpResponse(_render_document(media_type), content_type=media_type)


@cache  # rendering takes a second, and anybody may request it
def _render_document(media_type: str) -> str | bytes:
    renderer = next(renderer for renderer in _RENDERERS if renderer.media_type == media_type)
    return renderer().render(build_openapi_document(), media_type, {})

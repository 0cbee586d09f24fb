"""The endpoint of the Model Context Protocol: a message per POST, or a batch of them, with a JSON response."""

from __future__ import annotations

from typing import Any

import msgspec
from django.http import HttpResponse
from django.utils import timezone
from rest_framework.exceptions import MethodNotAllowed, UnsupportedMediaType
from rest_framework.request import Request
from rest_framework.response import Response

from dashboard.mcp.answers import answer_body, build_error_answer
from dashboard.mcp.messages import McpError, decode_body
from dashboard.mcp.origins import check_origin
from dashboard.mcp.page_links import PageLinks
from dashboard.mcp.tool import ToolContext
from runs.api.authentication import HasReadScope
from runs.api.base_views import ApiKeyView
from runs.api.json_rpc_errors import rejection_response
from runs.errors import BodyTooLarge

JSON = "application/json"
MAX_MESSAGE_BYTES = 256 * 1024  # a query has at most 4,000 characters; clients add metadata


class McpView(ApiKeyView):
    """`/mcp`."""

    permission_classes = [HasReadScope]
    http_method_names = ["post"]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Check the method, the origin and the content type before the API key."""
        if request.method != "POST":
            raise MethodNotAllowed(request.method or "", "This path only takes POST: there are no sessions or streams")
        check_origin(request)
        super().initial(request, *args, **kwargs)
        if (request.content_type or JSON).partition(";")[0].strip().lower() != JSON:
            raise UnsupportedMediaType(request.content_type, "Unsupported content type; expected application/json")

    def post(self, request: Request) -> HttpResponse:
        """Return the response to one message, or to a batch of them."""
        body = _read_body(request)
        try:
            answer = answer_body(self._build_context(request), decode_body(body), request.headers)
        except McpError as error:
            answer = build_error_answer(error)
        if answer.content is None:
            return HttpResponse(status=answer.status)
        return HttpResponse(msgspec.json.encode(answer.content), status=answer.status, content_type=JSON)

    def handle_exception(self, exc: Exception) -> Response:
        """Return the error response of the REST API in the form of JSON-RPC, which clients show to people."""
        response: Any = super().handle_exception(exc)
        details = msgspec.json.decode(response.content)["error"]
        headers = {name: value for name, value in response.items() if name not in ("Content-Type", "Content-Length")}
        rejection: Any = rejection_response(response.status_code, details["code"], details["message"], headers)
        return rejection  # type: ignore[no-any-return]

    def _build_context(self, request: Request) -> ToolContext:
        project = self.get_project(request)
        return ToolContext(project, timezone.now(), PageLinks(request.build_absolute_uri("/")[:-1], project))


def _read_body(request: Request) -> bytes:
    body: bytes = request.body
    if len(body) > MAX_MESSAGE_BYTES:
        raise BodyTooLarge(f"The message has {len(body):,} bytes; expected at most {MAX_MESSAGE_BYTES:,}")
    return body

"""The endpoint of the Model Context Protocol: one message per POST, with a JSON response."""

from __future__ import annotations

from typing import Any

import msgspec
from django.http import HttpResponse
from django.utils import timezone
from rest_framework.exceptions import MethodNotAllowed, UnsupportedMediaType
from rest_framework.request import Request
from rest_framework.response import Response

from dashboard.mcp.messages import McpError, decode_message, parse_mcp_message, read_message_id
from dashboard.mcp.methods import answer_request
from dashboard.mcp.origins import check_origin
from dashboard.mcp.page_links import PageLinks
from dashboard.mcp.protocol_versions import NEWEST_VERSION, find_protocol_version
from dashboard.mcp.tool import ToolContext
from runs.api.authentication import HasReadScope
from runs.api.base_views import ApiKeyView
from runs.api.json_rpc_errors import JsonRpcCode, MessageId, json_rpc_error_response, rejection_response
from runs.errors import BodyTooLarge

JSON = "application/json"
MAX_MESSAGE_BYTES = 256 * 1024  # a query has at most 4,000 characters; clients add metadata
# HTTP statuses since revision 2026-07-28. Before, a request with an id gets 200, whatever its result.
_STATUS_CODES = {JsonRpcCode.METHOD_NOT_FOUND: 404, JsonRpcCode.INVALID_PARAMS: 400}


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
        """Return the response to one message."""
        message_id: MessageId = None
        version = ""
        try:
            decoded = decode_message(_read_body(request))
            message_id = read_message_id(decoded)
            message = parse_mcp_message(decoded)
            version = find_protocol_version(message, request.headers)
            if message.is_notification:
                return HttpResponse(status=202)
            result = answer_request(self._build_context(request), message, version)
        except McpError as error:
            status = error.status or (_STATUS_CODES.get(error.code, 200) if version == NEWEST_VERSION else 200)
            return json_rpc_error_response(status, error.code, error.message, message_id=message_id, data=error.data)
        content = msgspec.json.encode({"jsonrpc": "2.0", "id": message_id, "result": result})
        return HttpResponse(content, content_type=JSON)

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

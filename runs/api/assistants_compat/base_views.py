"""What every view of these paths has in common: keys, parameters, ETags, and no writing."""

# ruff: noqa: ARG002 - the path names an object in `self.kwargs`, where every method finds it

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, ClassVar

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from rest_framework.request import Request

from runs.api.assistants_compat.authentication import AssistantsClientAuthentication, HasReadScopeOrWrites
from runs.api.assistants_compat.errors import AssistantsApiError, handle_assistants_api_error, invalid_param_value
from runs.api.assistants_compat.pagination import LIST_PARAMS, ObjectListParams, ObjectPage, render_list_envelope
from runs.api.base_views import ApiKeyView
from runs.models import Project
from runs.protocol import lossless_json

INCLUDE_PARAM = "include[]"

_SEARCH_RESULTS_INCLUDE = "step_details.tool_calls[*].file_search.results[*].content"


class AssistantsCompatView(ApiKeyView):
    """Reads, and tells all else that this is an archive. Parameters that it doesn't know are refused."""

    authentication_classes = [AssistantsClientAuthentication]
    permission_classes = [HasReadScopeOrWrites]
    http_method_names = ["get", "head"]
    # of all methods: whatever a write carries, it is told that this is an archive
    takes_parameters = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
    parameters: ClassVar[tuple[str, ...]] = ()

    def get_exception_handler(self) -> Callable[[Exception, dict[str, Any]], HttpResponseBase | None]:
        return handle_assistants_api_error

    def query(self, request: Request) -> dict[str, str]:
        """The query string's parameters. Raises ClientError where one isn't known here or comes twice."""
        given: dict[str, list[str]] = dict(request.query_params.lists())
        for name, values in given.items():
            if name not in (*self.parameters, "api-version"):
                raise AssistantsApiError(400, f"Unknown parameter: '{name}'.", param=name, code="unknown_parameter")
            if name == INCLUDE_PARAM:
                _check_include(values)
            elif len(values) > 1:
                raise AssistantsApiError(400, f"Duplicate parameter: '{name}'.", param=name, code="duplicate_parameter")
        return {name: values[0] for name, values in given.items()}

    def answer(self, request: Request, body: bytes) -> HttpResponseBase:
        """`body`, or word that the client has it already."""
        etag = f'"{hashlib.blake2b(body, digest_size=16).hexdigest()}"'
        response = HttpResponse(body, content_type="application/json")
        response["ETag"] = etag
        # `api-key` is no header that caches on the way know to keep apart
        response["Cache-Control"] = "private, no-cache"
        original = request._request  # noqa: SLF001
        return get_conditional_response(original, etag, response=response) or response


class CompatObjectView(AssistantsCompatView):
    """One object."""

    def get(self, request: Request, **ids: str) -> HttpResponseBase:
        """The object's JSON text as it was stored."""
        self.query(request)
        return self.answer(request, lossless_json.join_members(self.members(self.project(request))))

    def members(self, project: Project) -> dict[str, bytes]:
        """The members of the object that the path names. Raises ClientError where there is none."""
        raise NotImplementedError


class CompatListView(AssistantsCompatView):
    """A page of objects."""

    parameters: ClassVar[tuple[str, ...]] = LIST_PARAMS

    def get(self, request: Request, **ids: str) -> HttpResponseBase:
        """The page that `limit`, `order`, `after` and `before` ask for."""
        query = self.query(request)
        page = self.page(self.project(request), ObjectListParams.from_query(query), query)
        return self.answer(request, render_list_envelope(page.records, has_more=page.has_more))

    def page(self, project: Project, wanted: ObjectListParams, query: dict[str, str]) -> ObjectPage:
        """The page, each object as its members. Raises ClientError."""
        raise NotImplementedError


def _check_include(values: list[str]) -> None:
    for value in values:
        if value != _SEARCH_RESULTS_INCLUDE:
            raise invalid_param_value(INCLUDE_PARAM, value, [_SEARCH_RESULTS_INCLUDE])

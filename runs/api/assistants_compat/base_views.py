"""Base classes of the Assistants API's views: authentication, parameters, ETags, and no writes."""

# ruff: noqa: ARG002 - views find the ids of the path in `self.kwargs`

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, ClassVar, cast

from django.contrib.auth.models import AnonymousUser
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from runs.api.assistants_compat.errors import AssistantsApiError, handle_assistants_api_error, invalid_param_value
from runs.api.assistants_compat.pagination import LIST_PARAMS, ObjectListParams, ObjectPage, render_list_envelope
from runs.api.authentication import BearerAuthentication
from runs.api.base_views import ApiKeyView
from runs.models import ApiKey, Project
from runs.protocol.lossless_json import join_members

INCLUDE_PARAM = "include[]"

_SUPPORTED_INCLUDE = "step_details.tool_calls[*].file_search.results[*].content"


class AssistantsClientAuthentication(BearerAuthentication):
    """Authentication with `Authorization: Bearer KEY`, or with `api-key: KEY` as clients of Azure OpenAI send it."""

    def authenticate(self, request: Request) -> tuple[Any, ApiKey]:
        """Return an anonymous user and the API key.

        Raises:
            AuthenticationFailed: there is no key, or it is unknown, revoked or expired.
        """
        secret = request.headers.get("api-key")
        if secret is None or "Authorization" in request.headers:
            return super().authenticate(request)
        return AnonymousUser(), self.get_api_key(request, secret)


class HasReadScopeOrWrites(BasePermission):
    """Permission for keys with the scope `read`. Writes pass, and are then answered with 405."""

    message = "The API key lacks the scope 'read'"

    def has_permission(self, request: Request, view: Any) -> bool:
        """Return whether the key has the scope `read`, or the request writes."""
        return request.method not in SAFE_METHODS or ApiKey.Scope.READ in cast(ApiKey, request.auth).scopes


class AssistantsCompatView(ApiKeyView):
    """A view that answers reads, rejects unknown parameters, and answers writes with 405."""

    authentication_classes = [AssistantsClientAuthentication]
    permission_classes = [HasReadScopeOrWrites]
    http_method_names = ["get", "head"]
    # all methods, so that a write with parameters is answered with 405 as well
    methods_with_params = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
    known_params: ClassVar[tuple[str, ...]] = ()
    # whether all values of `include` are accepted, since nothing is left out
    has_any_include: ClassVar[bool] = False

    def get_exception_handler(self) -> Callable[[Exception, dict[str, Any]], HttpResponseBase | None]:
        """Return the exception handler of the Assistants API."""
        return handle_assistants_api_error

    def parse_query(self, request: Request) -> dict[str, str]:
        """Return the parameters of the query string.

        Raises:
            AssistantsApiError: a parameter is unknown or given twice.
        """
        query: dict[str, list[str]] = dict(request.query_params.lists())
        for name, values in query.items():
            if name not in (*self.known_params, "api-version"):
                raise AssistantsApiError(400, f"Unknown parameter: '{name}'.", param=name, code="unknown_parameter")
            if name in (INCLUDE_PARAM, "include") and self.has_any_include:
                continue
            if name == INCLUDE_PARAM:
                for value in values:
                    if value != _SUPPORTED_INCLUDE:
                        raise invalid_param_value(INCLUDE_PARAM, value, [_SUPPORTED_INCLUDE])
            elif len(values) > 1:
                message = f"Duplicate parameter: '{name}'."
                raise AssistantsApiError(400, message, param=name, code="duplicate_parameter")
        return {name: values[0] for name, values in query.items()}

    def render_json(self, request: Request, body: bytes) -> HttpResponseBase:
        """Return `body` with its ETag, or 304 if the client has it already."""
        etag = f'"{hashlib.blake2b(body, digest_size=16).hexdigest()}"'
        response = HttpResponse(body, content_type="application/json")
        response["ETag"] = etag
        # shared caches do not know that responses depend on the header `api-key`
        response["Cache-Control"] = "private, no-cache"
        django_request = request._request  # noqa: SLF001
        return get_conditional_response(django_request, etag, response=response) or response


class CompatObjectView(AssistantsCompatView):
    """A view of one object."""

    def get(self, request: Request, **ids: str) -> HttpResponseBase:
        """Return the object exactly as it was posted."""
        self.parse_query(request)
        return self.render_json(request, join_members(self.fetch_members(self.get_project(request))))

    def fetch_members(self, project: Project) -> dict[str, bytes]:
        """Return the members of the object as JSON texts.

        Raises:
            AssistantsApiError: there is no such object.
        """
        raise NotImplementedError


class CompatListView(AssistantsCompatView):
    """A view of a list of objects."""

    known_params: ClassVar[tuple[str, ...]] = LIST_PARAMS

    def get(self, request: Request, **ids: str) -> HttpResponseBase:
        """Return a page of the list."""
        query = self.parse_query(request)
        page = self.fetch_page(self.get_project(request), ObjectListParams.from_query(query), query)
        return self.render_json(request, render_list_envelope(page.records, has_more=page.has_more))

    def fetch_page(self, project: Project, params: ObjectListParams, query: dict[str, str]) -> ObjectPage:
        """Return a page of objects, each given by its members as JSON texts.

        Raises:
            AssistantsApiError: an object in the path or a cursor does not exist.
        """
        raise NotImplementedError

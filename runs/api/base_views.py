"""Base classes of the views of the REST API."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, ClassVar, NoReturn, cast

from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from rest_framework.exceptions import Throttled
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from runs.api.authentication import BearerAuthentication, HasRequiredScope, ProjectRequestLimit
from runs.api.errors import error_response
from runs.errors import NotFound, Problem, RunglassError, UnknownParameter, UnreadableBody
from runs.models import ApiKey, AuditEvent, Project, Run, RunAlias
from runs.query import RunFilters
from runs.team.deletion import RecordEvent
from runs.team.failure_reports import report_scope_failure
from runs.team.refusals import RefusedPost, record_refusal

# An argument in the route of a URL.
_ARGUMENT = re.compile(r"<(?:\w+:)?(\w+)>")


class JsonOnlyNegotiation(BaseContentNegotiation):
    """Content negotiation that always selects JSON, regardless of what the client accepts.

    Otherwise a client with an unusual `Accept` header would lose what it posts.
    """

    # ruff: noqa: ARG002 - the signatures are the framework's

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> None:
        """Select no parser: views read the body themselves."""
        return

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """Select the JSON renderer."""
        return JSONRenderer(), JSONRenderer.media_type


class StrictApiView(APIView):
    """A view that rejects query parameters it would ignore."""

    parser_classes = []
    content_negotiation_class: type[BaseContentNegotiation] = JsonOnlyNegotiation
    metadata_class = None
    # Methods that read query parameters and reject unknown ones themselves. All other methods take none.
    methods_with_params: ClassVar[frozenset[str]] = frozenset()

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer `request`, and keep no reference to the response.

        The view is in reference cycles, which are collected only now and then, and responses may be large.
        """
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        del self.response
        return response

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Check the API key, its scope and the query parameters before the method runs.

        Raises:
            UnknownParameter: the method takes no parameters, but there are some.
        """
        super().initial(request, *args, **kwargs)
        if request.method not in self.methods_with_params and request.query_params:
            problems = [Problem(name, "unknown parameter") for name in request.query_params]
            names = ", ".join(f"'{name}'" for name in request.query_params)
            raise UnknownParameter(f"Unknown parameters: {names}. This path takes none", problems)


class ApiKeyView(StrictApiView):
    """A view that requires an API key and only accesses the project of the key."""

    authentication_classes = [BearerAuthentication]
    permission_classes = [HasRequiredScope]
    throttle_classes = [ProjectRequestLimit]
    # Whether the view returns only what the query of the key allows. Keys with a query can use no other views.
    applies_key_query: ClassVar[bool] = False

    def check_permissions(self, request: Request) -> None:
        """Check the scope of the key, and that the view is open to keys with a query."""
        super().check_permissions(request)
        key = self.get_api_key(request)
        if key.query and not self.applies_key_query:
            self.permission_denied(request, f"The API key reads only runs that match {key.query}, not this path")

    def throttled(self, request: Request, wait: float) -> NoReturn:
        """Raise Throttled with the limit of the project."""
        limit = self.get_project(request).max_requests_per_minute
        raise Throttled(wait, f"The project allows {limit:,} requests a minute.")

    # Whether refused requests are shown to those who wait for their runs.
    reports_refusals: ClassVar[bool] = False

    def handle_exception(self, exc: Exception) -> Any:
        """Return the response for an error, and record what was refused."""
        response = super().handle_exception(exc)
        if 400 <= response.status_code < 500:
            message = type(exc).__doc__ if isinstance(exc, RunglassError) else str(getattr(exc, "detail", exc))
            if isinstance(exc, UnreadableBody):  # it tells the place of the fault
                message = exc.message
            self.report_refusal(response.status_code, message or "", getattr(exc, "problems", ()))
        return response

    def report_refusal(self, status: int, message: str, problems: Sequence[Problem] = ()) -> None:
        """Record that this request, or a part of it, was refused, if it would have stored something."""
        request = self.request
        if request.method != "POST" or not self.reports_refusals:
            return
        match = request.resolver_match
        path = "/" + _ARGUMENT.sub(r"{\1}", match.route) if match else request.path
        secret = request.headers.get("Authorization", "").partition(" ")[2].strip()
        refusal = RefusedPost(status, path, message, problems)
        record_refusal(refusal, cast(ApiKey | None, request.auth), secret, request.META.get("REMOTE_ADDR") or "")

    def permission_denied(self, request: Request, message: str | None = None, code: str | None = None) -> NoReturn:
        """Record that the key lacks a scope, and raise PermissionDenied."""
        report_scope_failure(self.get_api_key(request), message or "not allowed", request.META.get("REMOTE_ADDR") or "")
        super().permission_denied(request, message, code)

    def get_api_key(self, request: Request) -> ApiKey:
        """Return the API key of the request."""
        return cast(ApiKey, request.auth)

    def get_project(self, request: Request) -> Project:
        """Return the project of the API key."""
        return self.get_api_key(request).project

    def apply_key_query(self, request: Request, filters: RunFilters) -> RunFilters:
        """Return the filters that match only runs which the API key may read, too."""
        query = self.get_api_key(request).query
        return filters.narrow(query) if query else filters

    def is_readable(self, request: Request, run: Run) -> bool:
        """Return whether the API key may read the run."""
        filters = self.apply_key_query(request, RunFilters())
        runs = Run.objects.in_project(self.get_project(request)).filter(pk=run.pk)
        return not filters or runs.filter(filters.build_condition(runs.project)).exists()

    def audit_deletion(self, request: Request) -> RecordEvent:
        """Return a function that records what the API key deleted in the audit log."""
        key, address = self.get_api_key(request), request.META.get("REMOTE_ADDR") or ""
        category = AuditEvent.Category.DELETION
        record = AuditEvent.objects.record
        return partial(record, key.project, f"API key {key.name}", category=category, address=address)

    def get_run(self, request: Request, run_id: str) -> Run:
        """Return the run with the posted id `run_id`, or the derived run that it leads to.

        Raises:
            NotFound: the project has no such run, or the API key may not read it.
        """
        run = RunAlias.objects.resolve_run(self.get_project(request), run_id)
        if run is None or not self.is_readable(request, run):
            raise NotFound(f"No run '{run_id}'")
        return run


@csrf_exempt
def unknown_api_path(request: HttpRequest, path: str = "") -> JsonResponse:
    """Answer requests to unknown paths with 404 in the form of the API's errors."""
    hint = f"; did you mean '{request.path.rstrip('/')}'?" if path.endswith("/") else ""
    return error_response(404, "not_found", f"Nothing at '{request.path}'{hint}")

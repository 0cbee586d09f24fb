"""What every view of the REST API has in common."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, cast

from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from runs.api.authentication import BearerAuthentication, HasRequiredScope
from runs.api.errors import error_response
from runs.errors import NotFound, Problem, UnknownParameter
from runs.models import ApiKey, Project, Run


class JsonOnlyNegotiation(BaseContentNegotiation):
    """JSON is what there is, whatever is accepted: a refusal would only lose what is posted."""

    # ruff: noqa: ARG002 - the signatures are the framework's

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> None:
        return None

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        return JSONRenderer(), JSONRenderer.media_type


class StrictApiView(APIView):
    """A view that refuses what it would ignore."""

    parser_classes = []
    content_negotiation_class: type[BaseContentNegotiation] = JsonOnlyNegotiation
    metadata_class = None
    # Methods that take query parameters, and refuse unknown ones on their own. All others take none.
    takes_parameters: ClassVar[frozenset[str]] = frozenset()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Before any method: key and scope where needed, then unknown parameters. Raises UnknownParameter."""
        super().initial(request, *args, **kwargs)
        if request.method not in self.takes_parameters and request.query_params:
            problems = [Problem(name, "unknown parameter") for name in request.query_params]
            names = ", ".join(f"'{each.path}'" for each in problems)
            raise UnknownParameter(f"This path takes no parameter {names}", problems)


class ApiKeyView(StrictApiView):
    """A view behind an API key; the key's project is all that it can see."""

    authentication_classes = [BearerAuthentication]
    permission_classes = [HasRequiredScope]

    def key(self, request: Request) -> ApiKey:
        """The API key that the request came with."""
        return cast(ApiKey, request.auth)

    def project(self, request: Request) -> Project:
        """The project of the request's key."""
        return self.key(request).project

    def run(self, request: Request, run_id: str) -> Run:
        """The run of that project that was posted with `run_id`. Raises NotFound."""
        run = Run.objects.find(self.project(request), run_id)
        if run is None:
            raise NotFound(f"No run '{run_id}'")
        return run


@csrf_exempt
def unknown_api_path(request: HttpRequest, path: str = "") -> JsonResponse:
    """404 in the shape of the API, for whatever has no other view."""
    hint = f"; did you mean '{request.path.rstrip('/')}'?" if path.endswith("/") else ""
    return error_response(404, "not_found", f"There is nothing at '{request.path}'{hint}")

"""Views that store objects of the Responses API: responses, and downloaded lists of items."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import ClassVar

from django.http import JsonResponse
from drf_spectacular.utils import extend_schema_view
from rest_framework.request import Request

from runs.api.base_views import ApiKeyView
from runs.api.ingest_views import IngestView, get_content_type, read_content
from runs.api.openapi.examples import RESPONSE_EXAMPLE
from runs.api.openapi.operations import (
    CONVERSATION_ID_PARAM,
    RESPONSE_ID_PARAM,
    describe_conversation_ingest,
    describe_ingest,
    describe_item_ingest,
)
from runs.api.responses import ConversationOutcome, ItemPageOutcome, json_object_response
from runs.errors import InvalidFilter, InvalidObject, Problem, UnsupportedBody
from runs.ingest import IngestReport, RawItem
from runs.ingest.request_bodies import RequestBody, parse_body
from runs.models import ApiKey, Project
from runs.responses import (
    ingest_responses,
    parse_item_page,
    read_conversation_id,
    store_conversation_items,
    store_conversations,
    store_input_items,
)
from runs.responses.item_order import ItemPage


@extend_schema_view(
    post=describe_ingest(
        "responses",
        "Response",
        RESPONSE_EXAMPLE,
        'Stores objects of the Responses API, alone or as `{"request": …, "response": …}`. The responses of one '
        "turn of an agent become one run, whatever their order.",
    )
)
class ResponseIngestView(IngestView):
    """`/api/v1/responses`."""

    def store(self, body: RequestBody, api_key: ApiKey) -> IngestReport:
        """Store the responses of the body in the project of the API key."""
        return ingest_responses(api_key.project, body.items, key_id=api_key.pk)


class ItemPageView(ApiKeyView):
    """A view that stores pages of a list of items as they were downloaded."""

    reports_refusals = True
    methods_with_params: ClassVar[frozenset[str]] = frozenset({"POST"})

    def post(self, request: Request, **ids: str) -> JsonResponse:
        """Store the page. It is refused as a whole if an item is invalid."""
        (owner_id,) = ids.values()
        order, after = _parse_page_params(request)
        if not get_content_type(request).lower().startswith("application/json"):
            raise UnsupportedBody("Expected the Content-Type application/json")
        page = parse_item_page(read_content(request), order=order, after=after)
        api_key = self.get_api_key(request)
        changed = self.store_page(api_key.project, owner_id, page, api_key.pk)
        return json_object_response(ItemPageOutcome(owner_id, len(page.items), changed))

    def store_page(self, project: Project, owner_id: str, page: ItemPage, key_id: int) -> int:
        """Store the page, and return how many of its items are new or have changed."""
        raise NotImplementedError


@extend_schema_view(
    post=describe_item_ingest("input_items", "the input of a response", RESPONSE_ID_PARAM),
)
class InputItemsView(ItemPageView):
    """`/api/v1/responses/{response_id}/input_items`."""

    def store_page(self, project: Project, owner_id: str, page: ItemPage, key_id: int) -> int:
        """Store a page of the input of a response."""
        return store_input_items(project, owner_id, page, key_id=key_id)


@extend_schema_view(
    post=describe_item_ingest("conversation_items", "a conversation", CONVERSATION_ID_PARAM),
)
class ConversationItemsView(ItemPageView):
    """`/api/v1/conversations/{conversation_id}/items`."""

    def store_page(self, project: Project, owner_id: str, page: ItemPage, key_id: int) -> int:
        """Store a page of the items of a conversation."""
        return store_conversation_items(project, owner_id, page, key_id=key_id)


@extend_schema_view(post=describe_conversation_ingest())
class ConversationIngestView(ApiKeyView):
    """`/api/v1/conversations`."""

    reports_refusals = True

    def post(self, request: Request) -> JsonResponse:
        """Store conversation objects, which have an id, a time and metadata. All are refused if one is invalid."""
        body = parse_body(read_content(request), get_content_type(request))
        conversations = _read_ids(body.items)
        store_conversations(self.get_project(request), conversations)
        return json_object_response(ConversationOutcome(len(conversations)))


def _read_ids(items: Iterable[RawItem]) -> list[tuple[str, bytes]]:
    ids, problems = [], list[Problem]()
    for item in items:
        try:
            ids.append((read_conversation_id(item.raw), item.raw))
        except InvalidObject as error:
            problems += [replace(problem, index=item.index, line=item.line) for problem in error.problems]
    if problems:
        raise InvalidObject(problems=problems)
    return ids


def _parse_page_params(request: Request) -> tuple[str, str | None]:
    """Return `order` and `after`, the parameters with which the page was downloaded."""
    query = dict(request.query_params.lists())
    problems = [Problem(name, "unknown parameter") for name in query if name not in ("order", "after")]
    problems += [Problem(name, "given more than once") for name, values in query.items() if len(values) > 1]
    order = query.get("order", ["desc"])[0]
    if order not in ("asc", "desc"):
        problems.append(Problem("order", f"expected asc or desc, got '{order[:50]}'"))
    if problems:
        raise InvalidFilter("; ".join(f"{problem.path}: {problem.message}" for problem in problems), problems)
    return order, query.get("after", [None])[0]

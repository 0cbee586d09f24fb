"""Views of the Responses API. Responses, items and conversations are returned exactly as they were posted.

Lists follow those of the Assistants API, but for `before`, which they do not have.
"""

# ruff: noqa: ARG002 - not every view needs all arguments of the methods it implements

from __future__ import annotations

import json
from typing import ClassVar

from django.db.models import Min
from rest_framework.request import Request

from runs.api.assistants_compat.base_views import INCLUDE_PARAM, CompatListView, CompatObjectView
from runs.api.assistants_compat.errors import AssistantsApiError
from runs.api.assistants_compat.pagination import ObjectListParams, ObjectPage
from runs.api.responses_compat.item_lists import (
    ItemList,
    find_conversation_items,
    find_input_items,
    item_not_found,
    paginate_items,
)
from runs.models import Conversation, Project, Response

_LIST_PARAMS = ("limit", "order", "after")
# Parameters of a response that change how it is sent, which an archive does not do.
_STREAM_PARAMS = ("stream", "starting_after", "include_obfuscation")


class CompatResponseView(CompatObjectView):
    """`/responses/{response_id}`."""

    known_params: ClassVar[tuple[str, ...]] = (INCLUDE_PARAM, "include", *_STREAM_PARAMS)
    has_any_include: ClassVar[bool] = True

    def parse_query(self, request: Request) -> dict[str, str]:
        """Return the parameters. Raises AssistantsApiError for a stream, which can't be repeated."""
        query = super().parse_query(request)
        if query.get("stream", "false").lower() == "true":
            message = "This is an archive: responses can be read, but not streamed."
            raise AssistantsApiError(400, message, param="stream", code="unsupported_value")
        return query

    def fetch_members(self, project: Project) -> dict[str, bytes]:
        """Return the response."""
        return _get_response(project, self.kwargs["response_id"]).members()


class CompatInputItemsView(CompatListView):
    """`/responses/{response_id}/input_items`."""

    known_params: ClassVar[tuple[str, ...]] = (*_LIST_PARAMS, INCLUDE_PARAM, "include")
    has_any_include: ClassVar[bool] = True

    def fetch_page(self, project: Project, params: ObjectListParams, query: dict[str, str]) -> ObjectPage:
        """Return a page of the input of the response."""
        return paginate_items(find_input_items(_get_response(project, self.kwargs["response_id"])), params)


class CompatConversationView(CompatObjectView):
    """`/conversations/{conversation_id}`."""

    def fetch_members(self, project: Project) -> dict[str, bytes]:
        """Return the conversation as it was posted; else what its responses tell of it."""
        conversation_id = self.kwargs["conversation_id"]
        if conversation := Conversation.objects.find(project, conversation_id):
            return conversation.members()
        responses = Response.objects.in_conversation(project, conversation_id)
        first = responses.order_by().aggregate(first=Min("created_at"))["first"]
        if first is None:
            raise _conversation_not_found(conversation_id)
        value = {
            "id": conversation_id,
            "object": "conversation",
            "created_at": int(first.timestamp()),
            "metadata": {},
        }
        return {name: json.dumps(member).encode() for name, member in value.items()}


class CompatConversationItemsView(CompatListView):
    """`/conversations/{conversation_id}/items`."""

    known_params: ClassVar[tuple[str, ...]] = (*_LIST_PARAMS, INCLUDE_PARAM, "include")
    has_any_include: ClassVar[bool] = True

    def fetch_page(self, project: Project, params: ObjectListParams, query: dict[str, str]) -> ObjectPage:
        """Return a page of the items of the conversation."""
        return paginate_items(_get_conversation_items(project, self.kwargs["conversation_id"]), params)


class CompatConversationItemView(CompatObjectView):
    """`/conversations/{conversation_id}/items/{item_id}`."""

    known_params: ClassVar[tuple[str, ...]] = (INCLUDE_PARAM, "include")
    has_any_include: ClassVar[bool] = True

    def fetch_members(self, project: Project) -> dict[str, bytes]:
        """Return the item."""
        item_id = self.kwargs["item_id"]
        members = _get_conversation_items(project, self.kwargs["conversation_id"]).find(item_id)
        if members is None:
            raise item_not_found(item_id)
        return members


def _get_response(project: Project, response_id: str) -> Response:
    response = Response.objects.find(project, response_id)
    if response is None:
        raise AssistantsApiError(404, f"Response with id '{response_id}' not found.")
    return response


def _get_conversation_items(project: Project, conversation_id: str) -> ItemList:
    items = find_conversation_items(project, conversation_id)
    if items is None:
        raise _conversation_not_found(conversation_id)
    return items


def _conversation_not_found(conversation_id: str) -> AssistantsApiError:
    return AssistantsApiError(404, f"Conversation with id '{conversation_id}' not found.")

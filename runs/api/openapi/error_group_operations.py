"""Descriptions of the operations on error groups."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from msgspec import Struct

from runs.analytics.error_group_selection import UNASSIGNED, ErrorGroupSort, ErrorGroupTab
from runs.analytics.errors import MAX_ERROR_GROUPS
from runs.api.error_group_params import DEFAULT_GROUP_LIMIT
from runs.api.openapi.operations import RESPONSE_HEADERS, build_error_responses, run_filter_params

GROUP_ID_PARAM = OpenApiParameter(
    "group_id", str, OpenApiParameter.PATH, required=True, description="The `id` of the error group."
)


def error_group_params() -> list[OpenApiParameter]:
    """Return the parameters of one error group: the filters of its runs."""
    return run_filter_params()


def error_group_list_params() -> list[OpenApiParameter]:
    """Return the parameters of the list of error groups."""
    limit = {"type": "integer", "minimum": 1, "maximum": MAX_ERROR_GROUPS, "default": DEFAULT_GROUP_LIMIT}
    return [
        *run_filter_params(),
        OpenApiParameter(
            "state",
            str,
            enum=[tab.value for tab in ErrorGroupTab],
            description="The current state; `new`: first seen within 24 hours. Default: all.",
        ),
        OpenApiParameter("assignee", str, description=f"The name of a user; `{UNASSIGNED}`: nobody."),
        OpenApiParameter(
            "sort",
            str,
            enum=[sort.value for sort in ErrorGroupSort],
            description="Most runs, last seen or first seen come first. Default: runs.",
        ),
        OpenApiParameter("limit", limit, description="The number of groups."),
    ]


def describe_error_group_change(
    operation_id: str,
    summary: str,
    body: type[Struct],
    response: type[Struct],
    description: str,
    *errors: int,
    params: Iterable[OpenApiParameter] = (),
) -> Callable[[Any], Any]:
    """Describe an operation that changes error groups. `errors` are statuses that not all such operations have."""
    return extend_schema(
        operation_id=operation_id,
        summary=summary,
        description=f"{description} Requires the scope `triage`.",
        tags=["Errors"],
        request={"application/json": body},
        responses={
            200: OpenApiResponse(response, summary),
            **build_error_responses(400, 401, 403, *errors, 408, 413, 415, 503),
        },
        parameters=[*params, *RESPONSE_HEADERS],
    )

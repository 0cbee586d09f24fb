"""Views that list, return and change error groups."""

from __future__ import annotations

import uuid
from collections.abc import Collection

from django.db import transaction
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema_view
from rest_framework.request import Request

from runs.analytics.error_group_documents import (
    ErrorGroupDetailDocument,
    ErrorGroupListDocument,
    fetch_error_group_document,
    serialize_error_groups,
)
from runs.analytics.error_group_selection import add_default_range, is_assigned, is_in_tab, sort_error_groups
from runs.analytics.errors import fetch_error_groups
from runs.api.base_views import ApiKeyView
from runs.api.error_group_changes import ErrorGroupChange, ErrorGroupsChange, build_decisions, parse_change
from runs.api.error_group_params import ErrorGroupQuery
from runs.api.ingest_views import read_content
from runs.api.openapi.error_group_operations import (
    GROUP_ID_PARAM,
    describe_error_group_change,
    error_group_list_params,
    error_group_params,
)
from runs.api.openapi.operations import describe_read
from runs.api.responses import ErrorGroupsChanged, raw_json_response
from runs.errors import InvalidObject, NotFound, Problem
from runs.models import AuditEvent, ErrorGroup, Project
from runs.query import RunFilters
from runs.team.error_groups import Decision, decide_on_error_groups, describe_decision


class ErrorGroupsView(ApiKeyView):
    """A view of error groups, which a key with the scope `triage` may change."""

    methods_with_params = frozenset({"GET", "HEAD"})

    def decide(self, request: Request, group_ids: Collection[uuid.UUID], decisions: Collection[Decision]) -> None:
        """Make decisions on error groups in the name of the API key, and record them in the audit log."""
        key = self.get_api_key(request)
        actor = f"API key {key.name}"
        with transaction.atomic():
            for decision in decisions:
                count = decide_on_error_groups(key.project, group_ids, decision, actor)
                action = f"{describe_decision(decision, count)} of errors"
                AuditEvent.objects.record(key.project, actor, action, address=request.META.get("REMOTE_ADDR") or "")


@extend_schema_view(
    get=describe_read(
        "list_error_groups",
        "List error groups",
        ErrorGroupListDocument,
        "Returns the groups of the matching runs that failed, ended incomplete or expired, by default of the last 14 "
        "days, most runs first.",
        params=error_group_list_params(),
        tag="Errors",
    ),
    patch=describe_error_group_change(
        "change_error_groups",
        "Change error groups",
        ErrorGroupsChange,
        ErrorGroupsChanged,
        "Sets the state, the assignee or both of all groups in `ids`, or of none if one of them does not exist.",
    ),
)
class ErrorGroupListView(ErrorGroupsView):
    """`/api/v1/error_groups`."""

    def get(self, request: Request) -> HttpResponse:
        """Return the groups that match."""
        query = ErrorGroupQuery.parse_params(dict(request.query_params.lists()))
        project, now = self.get_project(request), timezone.now()
        report = fetch_error_groups(project, query.filters, now)
        matching = [
            stats
            for stats in report.groups
            if is_assigned(stats.group, query.assignee) and is_in_tab(stats, query.state, now)
        ]
        groups = sort_error_groups(matching, query.sort)[: query.limit]
        return raw_json_response(serialize_error_groups(report, groups, has_more=len(matching) > query.limit))

    def patch(self, request: Request) -> HttpResponse:
        """Change several groups."""
        change = parse_change(read_content(request), ErrorGroupsChange)
        project = self.get_project(request)
        decisions = build_decisions(project, change)
        _check_groups_exist(project, change.ids)
        self.decide(request, change.ids, decisions)
        return raw_json_response(ErrorGroupsChanged(len(set(change.ids))))


@extend_schema_view(
    get=describe_read(
        "get_error_group",
        "Get an error group",
        ErrorGroupDetailDocument,
        "Returns the group with the numbers of its matching runs, by default of the last 14 days, and its newest "
        "decisions.",
        404,
        params=[GROUP_ID_PARAM, *error_group_params()],
        tag="Errors",
    ),
    patch=describe_error_group_change(
        "change_error_group",
        "Change an error group",
        ErrorGroupChange,
        ErrorGroupDetailDocument,
        "Sets the state, the assignee or both, and returns the group.",
        404,
        params=[GROUP_ID_PARAM],
    ),
)
class ErrorGroupDetailView(ErrorGroupsView):
    """`/api/v1/error_groups/{group_id}`."""

    def get(self, request: Request, group_id: str) -> HttpResponse:
        """Return the group."""
        filters = RunFilters.parse_params(dict(request.query_params.lists()))
        return self._respond(request, group_id, filters)

    def patch(self, request: Request, group_id: str) -> HttpResponse:
        """Change the group, and return it."""
        group = self._get_group(request, group_id)
        change = parse_change(read_content(request), ErrorGroupChange)
        self.decide(request, [group.pk], build_decisions(self.get_project(request), change))
        return self._respond(request, group_id, RunFilters())

    def _get_group(self, request: Request, group_id: str) -> ErrorGroup:
        """Return the group with that id. Raises NotFound."""
        try:
            group = ErrorGroup.objects.find(self.get_project(request), uuid.UUID(group_id))
        except ValueError:
            group = None
        if group is None:
            raise NotFound(f"No error group '{group_id}'")
        return group

    def _respond(self, request: Request, group_id: str, filters: RunFilters) -> HttpResponse:
        group = self._get_group(request, group_id)
        project, now = self.get_project(request), timezone.now()
        return raw_json_response(fetch_error_group_document(project, group, add_default_range(filters), now))


def _check_groups_exist(project: Project, group_ids: Collection[uuid.UUID]) -> None:
    """Raise InvalidObject with a problem for each id that `project` does not have."""
    known = set(ErrorGroup.objects.in_project(project).filter(pk__in=group_ids).values_list("pk", flat=True))
    problems = [
        Problem(f"/ids/{index}", f"no error group '{group_id}'")
        for index, group_id in enumerate(group_ids)
        if group_id not in known
    ]
    if problems:
        raise InvalidObject(problems=problems)

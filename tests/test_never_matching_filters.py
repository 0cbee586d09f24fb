"""Every page, download and REST list under filters of every kind that no run can match."""

from __future__ import annotations

from itertools import cycle, islice
from typing import Any
from urllib.parse import quote

from runs.errors import InvalidFilter
from runs.models import Project, Run
from runs.query import RunFilters
from runs.query.fields import CHOICE_PARAMS, QUERY_FIELDS
from tests.endpoints import Caller, store_records_and_list_endpoints

# Values that parse as those of some field, and that no stored run has.
NEVER_STORED = ("nobody", "nobody*", "ffffffffffff", "999999999999", "99999d", "<1971-01-01", '"no such text"')
# Each of these is known to match nothing before any run is read.
QUERIES_PER_ENDPOINT = 3
ALWAYS_ASKED = ("q=metadata.customer:nobody", "q=error_group:ffffffff metadata.customer:nobody*", "to=1971-01-01")


def list_never_matching_queries(project: Project) -> list[str]:
    """Return query strings for every field and parameter. The stored run matches none of them."""
    queries = [f"{param.name}=nobody-has-this" for param in CHOICE_PARAMS]
    for field in QUERY_FIELDS:
        name = f"{field.name}.customer" if field.has_keys else field.name
        queries += [f"q={name}:{value}" for value in NEVER_STORED if is_never_matching(project, f"{name}:{value}")]
    return queries


def is_never_matching(project: Project, text: str) -> bool:
    try:
        return not RunFilters.parse_query_text(text).apply(Run.objects.in_project(project)).exists()
    except InvalidFilter:
        return False


def test_filters_without_matches_are_answered(project: Project, django_capture_on_commit_callbacks: Any) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        endpoints = store_records_and_list_endpoints(project)
    caller = Caller(project)
    queries = cycle(list_never_matching_queries(project))
    statuses = set()
    for endpoint in endpoints:
        if caller.get(endpoint, f"{endpoint.path()}?q=nobody") != 200:  # takes no filters
            continue
        for query in (*ALWAYS_ASKED, *islice(queries, QUERIES_PER_ENDPOINT)):
            name, _, value = query.partition("=")
            statuses.add(caller.get(endpoint, f"{endpoint.path()}?{name}={quote(value)}"))
    assert caller.faults == []
    assert 200 in statuses

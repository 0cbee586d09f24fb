"""Hostile values for every parameter and path argument of every URL: no server error, and no slow answer.

URLs are those of the resolver. The parameters of a URL are recorded while its view parses them, so that new URLs and
new parameters are tested without an entry here. The values take turns, always in the same order.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import pytest
from django.http import QueryDict

from dashboard.web.query_params import QueryParams
from runs.models import Project
from runs.query import RunFilters
from tests import factories
from tests.endpoints import Caller, Endpoint, store_records_and_list_endpoints

LONG = 5_000

# Values that are written into the URL as they are.
HOSTILE_VALUES = [
    "", "%00", "a%00b", "%ff", "%c3%28", "%ed%a0%80", "%f0%9f%98%80", "%0d%0a", "%E2%80%AE", "%20", "%25", "%27%3B--",
    "x" * LONG, quote("ß" * 3_900), quote("İ" * 3_900), quote("İ" * 199 + "x"), "%2A" * 2_000, "%2Aa" * 900,
    "%28" * 3_999, "-" * 3_999, "%22" * 3_999, "%5C" * 3_999, "a%2C" * 1_900, "tag%3Aa%20" * 90, "NOT%20" * 900, "0",
    "-1", "1e400", "9" * 18, "9" * 4_999, "-" + "9" * 19, "%2B1", "1.5", "NaN", "%D9%A1", "%C2%B2", "true", "null",
    "0001-01-01", "0000-01-01", "9999-12-31", "10000-01-01", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00%2B14:00",
    "9999-12-31T23:59:59.999999-14:00", "-99999w", "-99999999d", "2026-02-30", "created%3A%3E9e99",
    "created%3A%3E-99999w", "created%3A9999-12-31", "created%3A0001-01-01..9999-12-31", "ended%3A%3C0001-01-01",
    "cost%3A%3E" + "9" * 30, "total_tokens%3A%3E" + "9" * 30, "duration%3A%3E99999999999d", "id%3A" + "%2Aa" * 900,
    "metadata.a%3A" + "%2Aa" * 900, "%22" + "a%25" * 1_000 + "%22", "instructions%3A%22" + "%25_" * 1_000 + "%22",
    "metadata.%22%5C%22%22%3A%2A", "error%3A%22" + quote("İ") * 3_000 + "%22", "metadata." + "k" * 3_000 + "%3Av",
    "../../..", "%2e%2e%2f", "%7B%7D", "status%3Dfailed%26cursor%3D%00", "__proto__", "MjAyNi0wMS0wMSBhIGI", "e30",
    "%F4%8F%BF%BF", "asst_" + "a" * 3_000,
]  # fmt: skip
REPEATED = "{name}=1&{name}=2&{name}=%00"


@pytest.fixture
def endpoints(project: Project) -> list[Endpoint]:
    return store_records_and_list_endpoints(project)


@pytest.fixture
def caller(project: Project) -> Caller:
    return Caller(project)


class ParameterRecorder:
    """Records the names of the query parameters that a view reads."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.names: dict[str, None] = {}
        monkeypatch.setattr(QueryParams, "parse", self._record_class(QueryParams.parse.__func__))
        monkeypatch.setattr(RunFilters, "parse_params", self._record_filters(RunFilters.parse_params.__func__))
        for name in ("__getitem__", "get", "getlist"):
            monkeypatch.setattr(QueryDict, name, self._record_access(getattr(QueryDict, name)))

    def take(self) -> list[str]:
        names, self.names = list(self.names), {}
        return names

    def _record_class(self, parse: Any) -> Any:
        def recorded(cls: Any, query: QueryDict) -> Any:
            self.names.update(dict.fromkeys(cls.param_names()))
            return parse(cls, query)

        return classmethod(recorded)

    def _record_filters(self, parse: Any) -> Any:
        def recorded(cls: Any, query: Any, *, extra_params: Sequence[str] = (), **options: Any) -> Any:
            self.names.update(dict.fromkeys([*cls.PARAM_NAMES, *extra_params]))
            return parse(cls, query, extra_params=extra_params, **options)

        return classmethod(recorded)

    def _record_access(self, access: Any) -> Any:
        def recorded(query: QueryDict, name: str | None, *arguments: Any) -> Any:
            if name is not None:  # REST framework's switched off override of the format
                self.names[name] = None
            return access(query, name, *arguments)

        return recorded


def test_hostile_parameters_break_nothing(
    endpoints: list[Endpoint], caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = ParameterRecorder(monkeypatch)
    values = itertools.cycle([f"{{name}}={value}" for value in HOSTILE_VALUES] + [REPEATED])
    parameter_count = 0
    for endpoint in endpoints:
        recorder.take()
        caller.get(endpoint, endpoint.path())
        for name in recorder.take():
            parameter_count += 1
            caller.get(endpoint, f"{endpoint.path()}?{next(values).replace('{name}', quote(name))}")
    assert caller.faults == []
    assert parameter_count > 300


def test_hostile_arguments_break_nothing(endpoints: list[Endpoint], caller: Caller) -> None:
    values = itertools.cycle(HOSTILE_VALUES)
    for endpoint in endpoints:
        for name in endpoint.arguments:
            caller.get(endpoint, endpoint.path(**{name: next(values)}))
            caller.get(endpoint, endpoint.path(**{name: "%00"}))
    assert caller.faults == []


@pytest.mark.parametrize(
    "url",
    [
        "runs/?from=9999-12-31T23:59:59Z",
        "errors/?to=9999-12-31T23:59:59Z",
        "errors/?from=-99999w&to=-99998w",
        "usage/?from=0001-01-01&to=9999-12-31",
        "new-runs/?after=0001-01-01",
        "runs/?" + "&".join(f"status={'x' * 200}{number}" for number in range(30)),
        "runs/?" + "&".join(f"model=model-{number}" for number in range(300)),
        "runs/?error=x&q=" + "(a%20OR%20" * 19 + "b" + ")" * 19,
        "runs/?sort=-cost&q=metadata.customer:nobody%20OR%20error_group:ffffffff",
        "suggest/?at=4000&q=" + "a:%22" + "%5C%5C" * 1_995,
    ],
)
def test_extreme_question_is_answered(project: Project, caller: Caller, url: str) -> None:
    factories.post_run(project, **factories.failed_run())
    caller.get(Endpoint("p/", {}), f"/p/{project.slug}/{url}")
    assert caller.faults == []

"""The filters: strict parsing, canonical query strings, and the runs that they select."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import pytest
from django.http import QueryDict
from hypothesis import given, settings
from hypothesis import strategies as st

from runs.errors import InvalidFilter
from runs.models import Project, Run
from runs.query import Query, RunFilters, TimeExpression
from runs.query.ast import QueryNode
from tests import factories
from tests.factories import NOW, run_object
from tests.runs.query.test_grammar import trees

YEARS = (datetime(2, 1, 1), datetime(9998, 12, 31))  # noqa: DTZ001 - bounds have no zone
PARAMETERS = ("status", "model", "assistant", "error", "thread", "from", "to")


def parse_filters(query: str) -> RunFilters:
    return RunFilters.parse_params(parse_qs(query, keep_blank_values=True))


# what Postgres can store: no NUL, no lone surrogates
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=20)
text_tuples = st.lists(texts, max_size=3, unique=True).map(tuple)
statuses = st.lists(st.sampled_from(["failed", "queued", "a status, of + their = own & more"]), unique=True).map(tuple)
times = st.none() | st.one_of(
    st.from_regex(r"-[0-9]{1,5}[smhdw]", fullmatch=True),
    st.datetimes(*YEARS).map(str),
).map(TimeExpression.parse)
filter_values = st.builds(
    RunFilters, status=statuses, model=text_tuples, assistant=text_tuples, error=text_tuples, thread=text_tuples,
    since=times, until=times,
)  # fmt: skip


@settings(deadline=None)
@given(filter_values)
def test_filters_survive_query_string(filters: RunFilters) -> None:
    query = filters.to_query_string()
    assert parse_filters(query) == filters
    assert RunFilters.parse_params(dict(QueryDict(query).lists())) == filters
    assert parse_filters(query).to_query_string() == query
    assert bool(filters) == bool(query)


@settings(deadline=None)
@given(filter_values)
def test_filters_without_fields_are_empty(filters: RunFilters) -> None:
    for name in filters.active_names:
        assert name not in filters.without(name).active_names
        filters = filters.without(name)
    assert filters == RunFilters()
    assert filters.describe() == "runs"


@pytest.mark.parametrize(
    ("query", "canonical"),
    [
        ("", ""),
        ("to=-1h&status=failed", "status=failed&to=-1h"),
        ("status=failed&status=expired&status=failed", "status=failed&status=expired"),
        ("thread=t&model=gpt-4o", "model=gpt-4o&thread=t"),
        ("from=2026-05-01", "from=2026-05-01T00%3A00%3A00Z"),
        ("from=&to=+", ""),
        ("from=&from=-1h", "from=-1h"),
        ("model=a,b&model=c+d&model=e%2Bf", "model=a%2Cb&model=c+d&model=e%2Bf"),
        ("status=of+their+own", "status=of+their+own"),
        ("error=Überlauf", "error=%C3%9Cberlauf"),
    ],
)
def test_query_string_becomes_canonical(query: str, canonical: str) -> None:
    assert parse_filters(query).to_query_string() == canonical


@pytest.mark.parametrize(
    ("query", "paths", "texts"),
    [
        ("statsu=failed", ["statsu"], "did you mean 'status'?"),
        ("Status=failed", ["Status"], "did you mean 'status'?"),
        ("nonsense=1", ["nonsense"], f"expected one of {', '.join(PARAMETERS)}"),
        ("page=2", ["page"], "unknown parameter"),
        ("since=-1h", ["since"], "unknown parameter"),
        ("=1", [""], "unknown parameter"),
        ("status=faild", ["status"], "unknown value 'faild'; did you mean 'failed'?"),
        ("status=Failed", ["status"], "did you mean 'failed'?"),
        ("status=failed&status=complete", ["status"], "did you mean 'completed'?"),
        ("status=", ["status"], "expected a value, found none"),
        ("model=", ["model"], "expected a value, found none"),
        ("thread=a%00b", ["thread"], "must not contain NUL"),
        ("from=yesterday", ["from"], "expected a time such as"),
        ("from=-1h&from=-2h", ["from"], "expected one value, found 2"),
        ("nonsense=1&status=faild&to=x", ["nonsense", "status", "to"], "unknown parameter"),
    ],
)
def test_invalid_param_is_rejected_by_name(query: str, paths: list[str], texts: str) -> None:
    with pytest.raises(InvalidFilter) as raised:
        parse_filters(query)
    assert [problem.path for problem in raised.value.problems] == paths
    assert texts in raised.value.problems[0].message
    assert all(path in raised.value.message for path in paths)


def test_extra_params_appear_in_suggestions() -> None:
    with pytest.raises(
        InvalidFilter, match=r"expected one of .*, q, limit, cursor; limt: unknown parameter; did you mean 'limit'"
    ):
        RunFilters.parse_params({"nonsense": ["1"], "limt": ["5"]}, extra_params=("limit", "cursor"))


def test_extra_params_are_accepted() -> None:
    assert RunFilters.parse_params({"cursor": ["x"], "status": ["failed"]}, extra_params=("cursor",)).status == (
        "failed",
    )


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("", "runs"),
        ("status=failed", "runs with status failed"),
        ("status=failed&status=expired&model=gpt-4o", "runs with status failed or expired on gpt-4o"),
        (
            "assistant=asst_1&error=server_error&thread=t",
            "runs of asst_1 with error server_error in thread t",
        ),
        ("from=-24h", "runs since 24 hours ago"),
        (
            "from=2026-05-01&to=2026-05-02T12:00",
            "runs from 1 May 2026, 00:00:00 UTC to 2 May 2026, 12:00:00 UTC",
        ),
    ],
)
def test_filters_describe_themselves(query: str, sentence: str) -> None:
    assert parse_filters(query).describe() == sentence


def test_filters_are_changed_without_mutation() -> None:
    filters = parse_filters("status=failed&from=-1h")
    assert filters.to_query_string(status=()) == "from=-1h"
    assert filters.without("since").to_query_string() == "status=failed"
    assert filters.toggle("status", "expired").to_query_string() == "status=failed&status=expired&from=-1h"
    assert filters.toggle("status", "failed").to_query_string() == "from=-1h"
    assert filters.active_names == ["status", "since"]
    assert filters == parse_filters("status=failed&from=-1h")


# selection

RUNS: dict[str, dict[str, Any]] = {
    "plain": {},
    "other": {"model": "gpt-4o", "assistant_id": "asst_other", "thread_id": "thread_other"},
    "failed": {"status": "failed", "last_error": {"code": "server_error", "message": "Oops."}},
    "own": {"status": "of, their own", "model": None},
    "old": {"created_at": NOW - 86_400, "started_at": None},
}


@pytest.fixture
def project_with_runs(project: Project) -> Project:
    factories.post(project, *(run_object(id=name, **{"created_at": NOW} | changes) for name, changes in RUNS.items()))
    factories.post(factories.make_project("other"), run_object(id="theirs"))
    return project


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {"plain", "other", "failed", "own", "old"}),
        ("status=failed", {"failed"}),
        ("status=failed&status=of, their own", {"failed", "own"}),
        ("status=queued", set()),
        ("model=gpt-4o", {"other"}),
        ("model=gpt-4o&model=gpt-4o-mini", {"plain", "other", "failed", "old"}),
        ("model=gpt", set()),
        ("model=gpt-%25", set()),
        ("assistant=asst_other", {"other"}),
        ("thread=thread_other&assistant=asst_concierge", set()),
        ("thread=thread_other&assistant=asst_other", {"other"}),
        ("error=server_error", {"failed"}),
        ("error=server_error&status=completed", set()),
        # from is included, to is not
        ("from=2026-11-18T11:06:40Z", {"plain", "other", "failed", "own"}),
        ("from=2026-11-18T11:06:41Z", set()),
        ("to=2026-11-18T11:06:40Z", {"old"}),
        ("to=2026-11-18T11:06:41Z", {"plain", "other", "failed", "own", "old"}),
        ("from=2026-11-17&to=2026-11-18", {"old"}),
    ],
)
def test_filters_select_expected_runs(project_with_runs: Project, query: str, expected: set[str]) -> None:
    found = parse_filters(query).apply(Run.objects.in_project(project_with_runs))
    assert set(found.values_list("external_id", flat=True)) == expected


def test_relative_times_refer_to_now(project_with_runs: Project) -> None:
    now = datetime.fromtimestamp(NOW + 3600, UTC)
    for query, expected in (("from=-1h", 4), ("from=-59m", 0), ("to=-1h", 1), ("from=-2d", 5)):
        assert (
            Run.objects.in_project(project_with_runs)
            .filter(parse_filters(query).plan(None, now).build_page_condition())
            .count()
            == expected
        )


@given(trees)
def test_filters_survive_query_language(tree: QueryNode) -> None:
    filters = RunFilters(status=("failed",), model=("a b",), since=TimeExpression("-24h"), q=Query(tree))
    written = filters.to_query_text()
    again = RunFilters.parse_query_text(written)
    assert again.to_query_text() == RunFilters.parse_query_text(again.to_query_text()).to_query_text()
    assert again.since == TimeExpression("-24h")
    assert "failed" in again.status


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("", ""),
        ("status:failed,expired model:o3", "status=failed&status=expired&model=o3"),
        ("created:>=-7d created:<2026-05-01", "from=-7d&to=2026-05-01T00%3A00%3A00Z"),
        ("created:>2026-05-01", "q=created%3A%3E2026-05-01"),
        ("-status:failed", "q=-status%3Afailed"),
        ("status:failed status:expired", "status=failed&q=status%3Aexpired"),
        ("status:failed refund status:failed", "status=failed&q=refund"),
        ("status:failed,expired status:expired,queued", "status=expired"),
        ("created:>=-7d (created:>=-7d created:>=-3d)", "from=-7d&q=created%3A-3d"),
        ("status:failed OR model:o3", "q=status%3Afailed+OR+model%3Ao3"),
        ("model:gpt-*", "q=model%3Agpt-%2A"),
        ("assistant:asst_1", "assistant=asst_1"),
        ('assistant:"Order concierge"', "q=assistant%3A%22Order+concierge%22"),
        ('error_code:"a b"', "error=a+b"),
        ('error:"a b"', "q=error%3A%22a+b%22"),
    ],
)
def test_terms_move_to_their_params(text: str, query: str) -> None:
    filters = RunFilters.parse_query_text(text)
    assert filters.to_query_string() == query
    assert RunFilters.parse_query_text(filters.to_query_text()) == filters


def test_invalid_query_is_rejected() -> None:
    with pytest.raises(InvalidFilter, match="unknown field 'gone'"):
        RunFilters.parse_query_text("gone:x")


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"status": [f"{'x' * 200}{number}" for number in range(30)]}, "together: expected at most 4,000 characters"),
        ({"model": [f"model-{number}" for number in range(101)]}, "together: expected at most 100 values"),
        ({"error": ["x"], "q": ["a OR b (" * 9 + "c OR d" + ")" * 9]}, "together: expected at most 20 levels"),
        ({"thread": ["x" * 257]}, "thread: expected at most 256 characters, found 257"),
    ],
)
def test_size_of_filters_is_limited(params: dict[str, list[str]], message: str) -> None:
    with pytest.raises(InvalidFilter, match=message):
        RunFilters.parse_params(params)


def test_several_queries_all_have_to_match() -> None:
    filters = parse_filters("q=metadata.customer:acme&q=&q=status:failed+(a+OR+b)")
    assert filters == parse_filters("q=metadata.customer:acme+status:failed+(a+OR+b)")
    assert [str(term) for term in filters.query_terms] == ["metadata.customer:acme", "a OR b"]
    assert str(filters.without_term(filters.query_terms[0]).q) == "a OR b"
    assert filters.without_term(filters.query_terms[1]).without_term(filters.query_terms[0]).q is None


def test_each_of_several_queries_is_checked() -> None:
    with pytest.raises(InvalidFilter, match="unknown field 'nope'"):
        parse_filters("q=status:failed&q=nope:1")
    with pytest.raises(InvalidFilter, match="at most 100 values"):
        parse_filters("&".join(f"q=w{number}" for number in range(101)))

"""Usage queries are parsed strictly and written back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

import pytest

from runs.analytics.usage import UsageQuery, UsageSplit
from runs.errors import InvalidFilter

NOW = datetime(2026, 11, 20, 14, 32, 6, 400_000, tzinfo=UTC)
UTC_ZONE = ZoneInfo("UTC")


def parse(query: str, zone: str = "UTC") -> UsageQuery:
    return UsageQuery.parse_params(parse_qs(query, keep_blank_values=True), ZoneInfo(zone), NOW)


@pytest.mark.parametrize(
    ("query", "zone", "since"),
    [
        ("", "UTC", "2026-10-22T00:00:00+00:00"),
        ("range=7d", "Asia/Kolkata", "2026-11-13T18:30:00+00:00"),
        ("range=90d", "Europe/Berlin", "2026-08-22T22:00:00+00:00"),  # when it was summer there
        ("range=24h", "UTC", "2026-11-19T15:00:00+00:00"),
        ("range=24h", "Asia/Kathmandu", "2026-11-19T15:15:00+00:00"),  # 14:32 is 20:17 there
        ("from=-2d", "UTC", "2026-11-18T14:32:06+00:00"),
        ("from=1960-01-01", "UTC", "1970-01-01T00:00:00+00:00"),
    ],
)
def test_range_begins_with_local_day(query: str, zone: str, since: str) -> None:
    requested = parse(query, zone)
    assert requested.since.astimezone(UTC).isoformat() == since
    assert requested.until == datetime(2026, 11, 20, 14, 32, 7, tzinfo=UTC)


def test_end_without_start_means_thirty_days() -> None:
    requested = parse("to=2026-11-01")
    assert (requested.since, requested.until) == (datetime(2026, 10, 2, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("query", "path", "words"),
    [
        ("splt=model", "splt", "unknown parameter"),
        ("split=modle", "split", "did you mean 'model'"),
        ("split=metadata.", "split", "expected one of"),
        ("split=", "split", "expected one of"),
        ("measure=money", "measure", "expected one of tokens, cost, runs"),
        ("measure=cost&split=kind", "split", "requires the measure tokens"),
        ("range=31d", "range", "expected one of 24h"),
        ("range=7d&from=-7d", "range", "not allowed together"),
        ("zone=Europe/Berln", "zone", "did you mean 'Europe/Berlin'"),
        ("zone=nowhere at all", "zone", "expected a time zone"),
        ("status=faild", "status", "did you mean 'failed'"),
        ("q=statu:failed", "q", "did you mean"),
        ("from=2026-11-10&to=2026-11-10", "to", "must be after from"),
        ("from=soon", "from", "expected a time"),
        ("split=model&split=status", "split", "expected one value, found 2"),
        ("cursor=x", "cursor", "unknown parameter"),
    ],
)
def test_invalid_parameter_is_named(query: str, path: str, words: str) -> None:
    with pytest.raises(InvalidFilter) as refused:
        parse(query)
    (problem,) = refused.value.problems
    assert problem.path == path
    assert words in problem.message


@pytest.mark.parametrize(
    "query",
    [
        "",
        "measure=cost&split=assistant",
        "split=metadata.customer&range=90d&status=failed&model=gpt-4o",
        "from=-7d&q=-status%3Afailed",
        "range=7d&q=created%3A-1d",
        "range=7d&zone=Asia%2FTokyo",
        "split=kind&from=2026-11-01T00%3A00%3A00Z&to=2026-11-02T00%3A00%3A00Z",
    ],
)
def test_query_string_round_trips(query: str) -> None:
    assert parse(query).to_query_string() == query


def test_query_string_keeps_other_parameters() -> None:
    requested = parse("split=assistant&from=-7d&status=failed")
    assert requested.to_query_string(measure="cost") == "measure=cost&split=assistant&status=failed&from=-7d"
    assert requested.to_query_string(range="90d") == "split=assistant&range=90d&status=failed"


def test_explicit_zone_overrides_default() -> None:
    assert parse("zone=Asia/Kolkata", "Europe/Berlin").zone.key == "Asia/Kolkata"
    assert parse("", "Europe/Berlin").zone.key == "Europe/Berlin"


@pytest.mark.parametrize(
    ("split", "value", "query"),
    [
        ("model", "gpt-4o", "model=gpt-4o"),
        ("model", None, "q=-model%3A%2A"),
        ("assistant", "asst_1", "assistant=asst_1"),
        ("metadata.customer", "acme", "q=metadata.customer%3Aacme"),
        ("metadata.customer", None, "q=-metadata.customer%3A%2A"),
        ("metadata.a b", "x*", "q=metadata.%22a+b%22%3A%22x%2A%22"),
    ],
)
def test_group_filters_match_its_runs(split: str, value: str | None, query: str) -> None:
    requested = UsageQuery(parse("").requested_filters, NOW - timedelta(days=1), NOW, UTC_ZONE, UsageSplit.parse(split))
    assert requested.filters_for_group(value).to_query_string() == query


def test_group_filters_keep_existing_conditions() -> None:
    requested = parse("q=error:*&split=metadata.customer&status=failed")
    query_string = requested.filters_for_group("acme").to_query_string()
    assert query_string == "status=failed&q=error%3A%2A+metadata.customer%3Aacme"

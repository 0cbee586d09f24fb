"""Tests for the controls around the run list."""

from datetime import UTC, datetime

import pytest

from dashboard.pages.runs.filter_controls import (
    MAX_COLLAPSED_OPTIONS,
    VISIBLE_OPTIONS,
    FilterControls,
    build_facet_options,
    build_query_field,
    build_status_options,
)
from dashboard.ui.run_list_address import RunListAddress
from runs.analytics.run_overview import RunFacet
from runs.query import RunFilters, TimeExpression
from runs.query.fields import CHOICE_PARAMS

NOW = datetime(2026, 11, 20, 14, 32, tzinfo=UTC)
FIELDS = {field.name: field for field in CHOICE_PARAMS}
ADDRESS = RunListAddress("/runs/")


def facet(name: str, **counts: int) -> RunFacet:
    return RunFacet(FIELDS[name], tuple(counts.items()), is_capped=False, sample_size=sum(counts.values()))


def build_controls(**filters) -> FilterControls:
    facets = {name: facet(name) for name in ("status", "model", "assistant", "error")}
    return FilterControls(RunFilters(**filters), facets, ADDRESS, NOW)


def test_url_contains_only_the_state():
    assert ADDRESS.url(RunFilters()) == "/runs/"
    assert ADDRESS.url(RunFilters(), "abc") == "/runs/?cursor=abc"
    assert ADDRESS.url(RunFilters(model=("a b",)), "abc") == "/runs/?model=a+b&cursor=abc"


def test_token_removes_only_its_value():
    tokens = build_query_field(RunFilters(status=("failed", "expired"), since=TimeExpression("-7d")), ADDRESS).tokens
    assert [(token.name, token.value, token.url) for token in tokens] == [
        ("status:", "failed", "/runs/?status=expired&from=-7d"),
        ("status:", "expired", "/runs/?status=failed&from=-7d"),
    ]


def test_assistant_token_and_option_show_names():
    facets = {name: facet(name) for name in ("status", "model", "assistant", "error")}
    facets["assistant"] = facet("assistant", asst_a=3, asst_8tRkV2mQpX4cLz91HbnW=2)
    filters, names = RunFilters(assistant=("asst_a",)), {"asst_a": "Returns desk"}
    controls = FilterControls(filters, facets, ADDRESS, NOW, names)
    tokens = build_query_field(filters, ADDRESS, names).tokens
    assert [(token.name, token.value, token.label) for token in tokens] == [("assistant:", "asst_a", "Returns desk")]
    options = next(facet for facet in controls.facets if facet.name == "assistant")
    assert [(option.value, option.label) for option in options.visible] == [
        ("asst_a", "Returns desk"),
        ("asst_8tRkV2mQpX4cLz91HbnW", "asst_8tR…HbnW"),
    ]


def test_forms_keep_other_parameters():
    controls = build_controls(status=("failed",), thread=("t",), since=TimeExpression("-7d"))
    assert build_query_field(controls.filters, ADDRESS).form_params == [("from", "-7d")]  # tokens keep the rest
    assert controls.time_form_params == [("status", "failed"), ("thread", "t")]


@pytest.mark.parametrize(
    ("since", "until", "label"),
    [
        ("", "", "All time"),
        ("-24h", "", "Last 24 hours"),
        ("-3h", "", "Since 3 hours ago"),
        ("-24h", "-1h", "From 24 hours ago to 1 hour ago"),
        ("2026-11-01", "", "Since 1 Nov, 00:00"),
        ("", "2026-11-01", "Before 1 Nov, 00:00"),
    ],
)
def test_closed_menu_names_the_time_range(since, until, label):
    times = {name: TimeExpression.parse(text) for name, text in (("since", since), ("until", until)) if text}
    controls = build_controls(**times)
    assert controls.time_range_label == label
    current = [option.label for option in controls.time_ranges if option.is_current]
    assert current == [label] * (label[:5] in ("All t", "Last "))


def test_time_fields_show_resolved_times():
    controls = build_controls(since=TimeExpression("-1h"), until=TimeExpression.parse("2026-11-20T15:00:00+01:00"))
    assert (controls.from_value, controls.to_value) == ("2026-11-20T13:32:00", "2026-11-20T14:00:00")


def test_known_statuses_precede_unknown_ones():
    counts = facet("status", completed=9, zzz=5, failed=1, aaa=1)
    options = build_status_options(counts, RunFilters(status=("expired",)))
    assert [(option.value, option.count, option.is_selected) for option in options] == [
        ("failed", 1, False),
        ("expired", 0, True),
        ("completed", 9, False),
        ("aaa", 1, False),
        ("zzz", 5, False),
    ]


def test_rare_values_are_collapsed_unless_selected():
    counts = {f"m{rank:02}": 100 - rank for rank in range(VISIBLE_OPTIONS + MAX_COLLAPSED_OPTIONS + 3)}
    options = build_facet_options(facet("model", **counts), RunFilters(model=("m20", "gone")))
    visible = [option.value for option in options.visible]
    assert visible == ["m00", "m01", "m02", "m03", "m04", "m05", "m20", "gone"]
    assert (len(options.collapsed), options.unlisted_count) == (MAX_COLLAPSED_OPTIONS, 2)
    assert [option.bar_width for option in options.visible[:2]] == ["100%", "99%"]

"""Tests for the formats of numbers, times, ids and statuses."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from django.template import Context, Template
from django.utils import timezone as django_timezone

from dashboard.ui import formats

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (None, "—"), (0, "< 1 s"), (999, "< 1 s"), (1_000, "1 s"), (7_000, "7 s"), (59_999, "59 s"),
        (60_000, "1 min 00 s"), (228_000, "3 min 48 s"), (3_599_000, "59 min 59 s"), (3_720_000, "1 h 02 min"),
        (86_399_000, "23 h 59 min"), (86_400_000, "1 d 00 h"), (273_600_000, "3 d 04 h"),
        (-7_000, "\N{MINUS SIGN}7 s"),
    ],
)  # fmt: skip
def test_whole_second_durations_have_no_decimals(ms, text):
    assert formats.format_duration(ms) == text


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (None, "—"), (0, "0 ms"), (299, "299 ms"), (999, "999 ms"), (1_000, "1.0 s"), (7_949, "7.9 s"),
        (7_950, "8.0 s"), (59_949, "59.9 s"), (59_950, "1 min 00 s"), (228_400, "3 min 48 s"),
        (-299, "\N{MINUS SIGN}299 ms"),
    ],
)  # fmt: skip
def test_precise_durations_have_decimals_below_a_minute(ms, text):
    assert formats.format_duration(ms, precise=True) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (None, "—"), (0, "0"), (902, "902"), (999, "999"), (1_000, "1.00 k"), (2_015, "2.02 k"),
        (15_314, "15.3 k"), (451_000, "451 k"), (999_499, "999 k"), (999_500, "1.00 M"),
        (1_300_000, "1.30 M"), (18_400_000, "18.4 M"), (10**15 * 12, "12,000 T"), (-15_314, "-15.3 k"),
    ],
)  # fmt: skip
def test_tokens_have_three_significant_digits(number, text):
    assert formats.format_tokens(number) == text


@pytest.mark.parametrize(
    ("number", "text"), [(None, "—"), (0, "0 B"), (512, "512 B"), (18_200, "18.2 kB"), (1_000_000, "1.00 MB")]
)
def test_sizes_use_decimal_units(number, text):
    assert formats.format_bytes(number) == text


@pytest.mark.parametrize(("number", "text"), [(None, "—"), (0, "0"), (14_212, "14,212")])
def test_integers_have_separators_and_zero_is_shown(number, text):
    assert formats.format_integer(number) == text


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        (37, 2431, "1.5 %"), (0, 5, "0 %"), (5, 5, "100 %"), (1, 10_000, "< 0.1 %"),
        (9_999, 10_000, "> 99.9 %"), (1, 0, "—"), (None, 5, "—"), (1, None, "—"),
    ],
)  # fmt: skip
def test_percent_never_rounds_to_zero_or_hundred(part, whole, text):
    assert formats.format_percent(part, whole) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("run_8tRkV2mQpX4cLz91HbnWq2Nd", "run_8tRk…q2Nd"),
        ("thread_u5KxYb2Wq9RtLm7ZcVn3Pd1S", "thread_u…Pd1S"),
        ("run_test_1", "run_test_1"),
        ("", ""),
    ],
)
def test_long_ids_are_shortened_in_the_middle(value, text):
    assert formats.shorten_id(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s ago"), (6, "6 s ago"), (59.9, "59 s ago"), (60, "1 min ago"), (3_599, "59 min ago"),
        (7_200, "2 h ago"), (86_400, "1 d ago"), (40 * 86_400, "40 d ago"), (-0.5, "0 s ago"),
        (-240, "in 4 min"),
    ],
)  # fmt: skip
def test_relative_time_has_one_unit(seconds, text):
    assert formats.format_relative_time(NOON - timedelta(seconds=seconds), NOON) == text


@pytest.mark.parametrize(
    ("zone", "text", "title"),
    [
        ("UTC", "20 Nov 2026, 14:27:54 UTC", "20 Nov 2026, 14:27:54 UTC"),
        ("Europe/Berlin", "20 Nov 2026, 15:27:54 CET", "20 Nov 2026, 15:27:54 CET · 14:27:54 UTC"),
        ("Asia/Tokyo", "20 Nov 2026, 23:27:54 JST", "20 Nov 2026, 23:27:54 JST · 14:27:54 UTC"),
        ("Pacific/Kiritimati", "21 Nov 2026, 04:27:54 UTC+14:00",
         "21 Nov 2026, 04:27:54 UTC+14:00 · 20 Nov 2026, 14:27:54 UTC"),
    ],
)  # fmt: skip
def test_times_are_those_of_the_reader(zone: str, text: str, title: str) -> None:
    moment = datetime(2026, 11, 20, 15, 27, 54, 7000, tzinfo=timezone(timedelta(hours=1)))
    assert formats.format_iso_time(moment) == "2026-11-20T14:27:54.007000Z"
    with django_timezone.override(zone):
        assert formats.format_timestamp(moment) == text
        assert formats.format_time_title(moment) == title
        assert formats.format_timestamp(moment, precise=True) == text.replace(":54", ":54.007")


@pytest.mark.parametrize(
    ("value", "label"),
    [
        ("requires_action", "Requires action"),
        ("completed", "Completed"),
        ("paused_by_vendor", "paused_by_vendor"),
    ],
)
def test_unknown_status_is_not_reformatted(value, label):
    assert formats.format_status(value) == label


def render(source: str, **context: object) -> str:
    return Template("{% load formats %}" + source).render(Context(context))


def test_status_tag_has_icon_and_label():
    html = render("{% status_badge value %}", value="failed")
    assert html == (
        '<span class="status" data-status="failed">'
        '<svg class="i" aria-hidden="true"><use href="#s-failed"/></svg>'
        '<span class="clip">Failed</span></span>'
    )


HOSTILE = "\"><script>alert('1')</script>"


@pytest.mark.parametrize(
    "source",
    [
        "{% status_badge value %}",
        "{% status_badge value big=True %}",
        "{% status_icon value %}",
        "{% icon value %}",
        "{% copy_button value value %}",
        "{{ value|short_id }}",
        "{{ value|status_label }}",
    ],
)
def test_posted_values_are_escaped(source):
    html = render(source, value=HOSTILE)
    assert "<script" not in html
    assert '">' + "<s" not in html.replace('"><svg', "").replace('"><span', "")


def test_unknown_status_has_its_own_icon():
    assert "#s-unknown" in render("{% status_badge value %}", value="paused_by_vendor")


def test_relative_time_tag_carries_exact_time():
    html = render("{% relative_time value %}", value=NOON)
    assert '<time datetime="2026-11-20T12:00:00Z" title="20 Nov 2026, 12:00:00 UTC" data-when>' in html
    assert 'tabindex="0"' in render("{% relative_time value focusable=True %}", value=NOON)
    assert render("{% relative_time value %}", value=None) == "—"


def test_exact_time_tag_shows_full_time():
    assert ">20 Nov 2026, 12:00:00 UTC</time>" in render("{% exact_time value %}", value=NOON)


def test_number_filters_and_tags():
    source = "{{ ms|duration }} {{ ms|precise_duration }} {{ n|tokens }} {{ n|integer }} {% percent 1 4 %}"
    html = render(source, ms=7900, n=15314)
    assert html == "7 s 7.9 s 15.3 k 15,314 25.0 %"


@pytest.mark.parametrize(
    ("nano", "text"),
    [
        (None, "—"),
        (0, "$0.0000"),
        (1, "< $0.0001"),
        (99_999, "< $0.0001"),
        (100_000, "$0.0001"),
        (38_915_000, "$0.0389"),
        (999_949_999, "$0.9999"),
        (1_000_000_000, "$1.00"),
        (1_234_567_890_000, "$1,234.57"),
    ],
)
def test_small_cost_is_never_zero(nano, text):
    assert formats.format_cost(nano) == text

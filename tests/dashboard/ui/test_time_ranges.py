"""Short labels of time ranges."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.utils import timezone

from dashboard.ui.time_ranges import format_time_field, format_time_range

NOW = datetime(2026, 11, 20, 14, tzinfo=UTC)


def parse(text: str) -> datetime | None:
    return datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None


@pytest.mark.parametrize(
    ("since", "until", "label"),
    [
        ("2026-11-18", "2026-11-22", "18-21 Nov"),
        ("2026-11-18", "2026-11-19", "18 Nov"),
        ("2026-10-28", "2026-11-04", "28 Oct - 3 Nov"),
        ("2025-12-30", "2026-01-03", "30 Dec 2025 - 2 Jan"),
        ("2025-11-18", "2025-11-22", "18-21 Nov 2025"),
        ("2026-11-18T14:00", "2026-11-18T16:30", "18 Nov, 14:00-16:30"),
        ("2026-11-18T14:00", "2026-11-20T09:30:05", "18 Nov, 14:00 - 20 Nov, 09:30:05"),
        ("2026-11-18T14:00", "", "Since 18 Nov, 14:00"),
        ("", "2025-11-18", "Before 18 Nov 2025, 00:00"),
        ("", "", ""),
    ],
)
def test_range_labels_are_short(since: str, until: str, label: str) -> None:
    expected = label.replace("-", "\N{EN DASH}")
    assert format_time_range(parse(since), parse(until), NOW) == expected


def test_labels_and_fields_are_local() -> None:
    with timezone.override("Europe/Berlin"):
        assert format_time_range(parse("2026-11-17T23:00"), parse("2026-11-21T23:00"), NOW) == "18\N{EN DASH}21 Nov"
        assert format_time_field(NOW) == "2026-11-20T15:00:00"

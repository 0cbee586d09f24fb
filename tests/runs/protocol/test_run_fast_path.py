"""The fast path returns exactly what the full parser returns, or None."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

from runs.protocol import lossless_json, run, run_fast_path
from tests import factories
from tests.runs import objects


@objects.examples(150)
@given(objects.runs)
def test_fast_path_equals_full_parser(written: str) -> None:
    raw = written.encode()
    quick = run_fast_path.parse_plain_run(raw)
    if quick is not None:
        assert quick == run.parse_run(lossless_json.split_object(raw))


@pytest.mark.parametrize(
    "posted",
    [factories.run_object(), factories.failed_run(), factories.run_object(usage=None, metadata=None)],
    ids=["completed", "failed", "nulls"],
)
def test_usual_runs_take_fast_path(posted: dict[str, Any]) -> None:
    raw = json.dumps(posted).encode()
    assert run_fast_path.parse_plain_run(raw) == run.parse_run(lossless_json.split_object(raw))
    assert run_fast_path.parse_plain_run(raw) is not None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"total_tokens": 150', '"total_tokens": -0'),
        ('"total_tokens": 150', '"total_tokens":\n -0'),
        ('"total_tokens": 150', '"total_tokens": 150.0'),
        ('"total_tokens": 150', '"total_tokens": 150, "cost": 1'),
        ('"acme"', '"a\\u0000b"'),
        ('"thread_first"', '"thread\\u0000"'),
        ('"created_at": ', '"started_at": -0, "created_at": '),
        ('"acme"', '"\\ud800"'),
        ('"acme"', "3"),
        ('"object"', '"vendor": 1, "object"'),
        ('"thread_first"', f'"{"t" * 257}"'),
        ('"thread_first"', "null"),
    ],
)
def test_unusual_runs_take_full_parser(old: str, new: str) -> None:
    raw = json.dumps(factories.run_object()).replace(old, new, 1)
    assert new in raw
    assert run_fast_path.parse_plain_run(raw.encode()) is None


def test_cached_configurations_of_assistant_are_not_mixed_up() -> None:
    changes: list[dict[str, Any]] = [
        {"instructions": f"Number {number}.", **more}
        for number in range(7)
        for more in ({}, {"incomplete_details": None}, {"instructions": None})
    ]
    raws = [json.dumps(factories.run_object(**each)).encode() for each in changes]
    for raw in (*raws, *reversed(raws), *raws):
        assert run_fast_path.parse_plain_run(raw) == run.parse_run(lossless_json.split_object(raw))


def test_invalid_configuration_takes_full_parser() -> None:
    raw = json.dumps(factories.run_object(tools=[{"name": "no type"}])).encode()
    assert run_fast_path.parse_plain_run(raw) is None


@pytest.mark.parametrize("field", ["model", "instructions", "thread_id"])
def test_invalid_utf8_takes_full_parser(field: str) -> None:
    raw = json.dumps(factories.run_object(**{field: "VALUE"})).encode().replace(b"VALUE", b"\xff")
    assert run_fast_path.parse_plain_run(raw) is None

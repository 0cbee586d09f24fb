"""Prices that a project sets."""

from __future__ import annotations

import pytest

from runs.enrichment.derived_field_backfill import backfill_derived_fields
from runs.errors import InvalidPrice
from runs.models import Project, Run
from runs.team import price_overrides
from runs.team.price_overrides import delete_price_override, set_price_override
from tests import factories


def test_price_is_stored_in_shortest_form(project: Project) -> None:
    set_price_override(project, "house-model", {"input": "2.50", "output": " 010 ", "cached": "0.125"})
    set_price_override(project, "other", {"input": "1", "output": "2", "cached": ""})
    stored = Project.objects.get(pk=project.pk).prices
    assert stored == {
        "house-model": {"input": "2.5", "output": "10", "cached": "0.125"},
        "other": {"input": "1", "output": "2"},
    }


@pytest.mark.parametrize(
    ("model", "rates", "path"),
    [
        ("", {"input": "1", "output": "1"}, "model"),
        ("m" * 257, {"input": "1", "output": "1"}, "model"),
        ("m\0", {"input": "1", "output": "1"}, "model"),
        ("m", {"input": "", "output": "1"}, "input"),
        ("m", {"input": "1", "output": "-1"}, "output"),
        ("m", {"input": "1", "output": "1", "cached": "0.0001"}, "cached"),
        ("m", {"input": "1e3", "output": "1"}, "input"),
        ("m", {"input": "NaN", "output": "1"}, "input"),
    ],
)
def test_invalid_price_is_rejected(project: Project, model: str, rates: dict[str, str], path: str) -> None:
    with pytest.raises(InvalidPrice) as raised:
        set_price_override(project, model, rates)
    assert [problem.path for problem in raised.value.problems] == [path]
    assert Project.objects.get(pk=project.pk).prices == {}


def test_number_of_prices_is_limited(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(price_overrides, "MAX_PRICE_OVERRIDES", 1)
    set_price_override(project, "a", {"input": "1", "output": "1"})
    set_price_override(project, "a", {"input": "2", "output": "1"})
    with pytest.raises(InvalidPrice, match="at most 1 prices"):
        set_price_override(project, "b", {"input": "1", "output": "1"})


def test_backfill_updates_stored_costs(project: Project) -> None:
    usage = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}
    run = factories.post_run(project, model="house-model", usage=usage)
    assert run.cost is None
    set_price_override(project, "house-model", {"input": "2", "output": "10"})
    backfill_derived_fields(project, None)
    assert Run.objects.get(pk=run.pk).cost == 3_000_000
    assert delete_price_override(project, "house-model")
    assert not delete_price_override(project, "house-model")
    backfill_derived_fields(project, None)
    assert Run.objects.get(pk=run.pk).cost is None

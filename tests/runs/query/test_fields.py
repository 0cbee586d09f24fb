"""The registry of query fields."""

from __future__ import annotations

from runs.models import Run
from runs.query.fields import CHOICE_PARAMS, FIELDS_BY_NAME, QUERY_FIELDS, IndexKind


def test_every_choice_param_is_a_field() -> None:
    assert {choice.name for choice in CHOICE_PARAMS} <= FIELDS_BY_NAME.keys()


def test_names_are_unique_and_columns_exist() -> None:
    assert len(FIELDS_BY_NAME) == len(QUERY_FIELDS)
    columns = {field.name for field in Run._meta.get_fields()}
    for field in QUERY_FIELDS:
        name = getattr(field.target, "name", None)
        assert name is None or name in columns | {"instructions", "function_names"}, field.name


def test_lead_ranks_are_unique() -> None:
    ranks = [field.lead_rank for field in QUERY_FIELDS if field.index == IndexKind.NEWEST_FIRST]
    assert sorted(ranks) == list(range(1, len(ranks) + 1))
    assert all(field.lead_rank == 0 for field in QUERY_FIELDS if field.index != IndexKind.NEWEST_FIRST)

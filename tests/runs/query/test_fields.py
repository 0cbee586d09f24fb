"""The registry of query fields."""

from __future__ import annotations

from runs.models import Run
from runs.query.fields import CHOICE_PARAMS, FIELDS_BY_NAME, QUERY_FIELDS


def test_every_choice_param_is_a_field() -> None:
    assert {choice.name for choice in CHOICE_PARAMS} <= FIELDS_BY_NAME.keys()


def test_names_are_unique_and_columns_exist() -> None:
    assert len(FIELDS_BY_NAME) == len(QUERY_FIELDS)
    columns = {field.name for field in Run._meta.get_fields()}
    for field in QUERY_FIELDS:
        name = getattr(field.target, "name", None)
        assert name is None or name in columns | {"instructions", "function_names"}, field.name

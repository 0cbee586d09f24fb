"""Posted assistants are validated, and their id and name are stored."""

from __future__ import annotations

import json
from typing import Any

import pytest

from runs.errors import InvalidObject
from runs.protocol import assistant, lossless_json
from runs.protocol.assistant import AssistantColumns
from tests import factories


def parse(**changes: Any) -> AssistantColumns:
    return assistant.parse_assistant(
        lossless_json.split_object(json.dumps(factories.assistant_object(**changes)).encode())
    )


def test_id_and_name_are_kept() -> None:
    assert parse(id="asst_1", name="Returns desk") == AssistantColumns("asst_1", "Returns desk")


def test_only_id_is_required() -> None:
    posted = b'{"id": "asst_1", "object": "assistant", "name": "Returns desk"}'
    assert assistant.parse_assistant(lossless_json.split_object(posted)).posted_name == "Returns desk"


@pytest.mark.parametrize(("name", "kept"), [(None, None), ("", None), (" \n ", None), (..., None), (" Desk ", "Desk")])
def test_blank_name_counts_as_none(name: Any, kept: str | None) -> None:
    assert parse(name=name).posted_name == kept


def test_name_is_cleaned_for_postgres() -> None:
    assert "\0" not in (parse(name="Desk\0 \ud800").posted_name or "\0")


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"id": ...}, "/id"),
        ({"id": ""}, "/id"),
        ({"object": "thread.run"}, "/object"),
        ({"name": 7}, "/name"),
        ({"name": "x" * 257}, "/name"),
        ({"created_at": "today"}, "/created_at"),
        ({"metadata": [1]}, "/metadata"),
        ({"tools": [{"type": "function"}]}, "/tools/0/function"),
        ({"temperature": "hot"}, "/temperature"),
    ],
)
def test_invalid_field_is_reported_by_path(changes: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidObject) as error:
        parse(**changes)
    assert any(problem.path.startswith(path.rsplit("/function", 1)[0]) for problem in error.value.problems)


def test_all_invalid_fields_are_reported() -> None:
    with pytest.raises(InvalidObject) as error:
        parse(name=7, model=7, metadata=7)
    assert {problem.path for problem in error.value.problems} == {"/name", "/model", "/metadata"}

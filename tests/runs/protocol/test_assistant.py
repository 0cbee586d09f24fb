"""`assistant`: checked as strictly as everything that is posted, of which the name is kept."""

from __future__ import annotations

import json
from typing import Any

import pytest

from runs.errors import InvalidObject
from runs.protocol import assistant, lossless_json
from runs.protocol.assistant import AssistantColumns
from tests import factories


def parsed(**changes: Any) -> AssistantColumns:
    return assistant.parse_assistant(
        lossless_json.split_object(json.dumps(factories.assistant_object(**changes)).encode())
    )


def test_the_id_and_the_name_are_kept() -> None:
    assert parsed(id="asst_1", name="Returns desk") == AssistantColumns("asst_1", "Returns desk")


def test_an_id_and_a_name_are_enough() -> None:
    posted = b'{"id": "asst_1", "object": "assistant", "name": "Returns desk"}'
    assert assistant.parse_assistant(lossless_json.split_object(posted)).posted_name == "Returns desk"


@pytest.mark.parametrize(("name", "kept"), [(None, None), ("", None), (" \n ", None), (..., None), (" Desk ", "Desk")])
def test_what_can_not_be_read_is_no_name(name: Any, kept: str | None) -> None:
    assert parsed(name=name).posted_name == kept


def test_a_name_has_what_can_be_stored() -> None:
    assert "\0" not in (parsed(name="Desk\0 \ud800").posted_name or "\0")


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
def test_every_wrong_field_is_named(changes: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidObject) as error:
        parsed(**changes)
    assert any(problem.path.startswith(path.rsplit("/function", 1)[0]) for problem in error.value.problems)


def test_all_that_is_wrong_is_named_at_once() -> None:
    with pytest.raises(InvalidObject) as error:
        parsed(name=7, model=7, metadata=7)
    assert {problem.path for problem in error.value.problems} == {"/name", "/model", "/metadata"}

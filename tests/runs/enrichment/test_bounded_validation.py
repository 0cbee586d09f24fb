"""Validations that exceed their limits are stopped once, and never tried again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from runs.enrichment import bounded_validation
from runs.enrichment.bounded_validation import PostedArguments, validate_each
from runs.models import StoppedValidation
from runs.sandbox import Sandbox
from tests.runs.sandbox import functions

pytestmark = pytest.mark.django_db
STOPPED = [("not checked", "", "too complex: more than 0.5 s of CPU time")]


@pytest.fixture(autouse=True)
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """Let the arguments "loop" take for ever, with any schema."""
    path = f"{functions.__name__}:{functions.validate.__name__}"
    sandbox = Sandbox(path, memory_bytes=150 * 2**20, cpu_seconds=0.5)
    monkeypatch.setattr(bounded_validation, "_sandbox", sandbox)
    yield sandbox
    sandbox.close()


def test_stopped_validation_is_remembered(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    posted = [PostedArguments("{}", "fine"), PostedArguments("{}", "loop"), PostedArguments("{}", "also fine")]
    findings = validate_each(posted, 30)
    assert [findings[item] for item in posted] == [[], STOPPED, []]
    assert StoppedValidation.objects.get().reason == "more than 0.5 s of CPU time"

    tried: list[object] = []
    monkeypatch.setattr(sandbox, "call_each", lambda calls, _timeout: tried.extend(calls) or [])
    assert validate_each(posted, 30) == {posted[1]: STOPPED}
    assert tried == [posted[0], posted[2]]


def test_repeatedly_stopped_schema_is_not_tried(sandbox: Sandbox) -> None:
    schema, other = PostedArguments("[1]", "loop 4"), PostedArguments("[2]", "fine")
    validate_each([PostedArguments("[1]", f"loop {number}") for number in range(3)], 30)
    assert validate_each([schema, other], 30) == {schema: STOPPED, other: []}
    assert StoppedValidation.objects.count() == 3

"""The metadata key that names the agent of responses: its change, and runs that are derived again."""

from __future__ import annotations

import pytest

from runs.errors import InvalidAgentKey
from runs.models import Project, Run
from runs.responses import agent_key, change_agent_metadata_key, rederive_next_turns
from tests import factories
from tests.responses import describe_runs, post_responses, response_object


def list_assistants(project: Project) -> list[str]:
    return sorted(Run.objects.in_project(project).values_list("assistant_id", flat=True))


@pytest.fixture
def posted(project: Project) -> Project:
    metadata = [{"agent": "a", "team": "x"}, {"agent": "b"}, {"team": "y"}]
    post_responses(project, *(response_object(metadata=value, at=n) for n, value in enumerate(metadata)))
    assert list_assistants(project) == ["a", "b", "responses"]
    return project


def finish(project: Project) -> int:
    steps = 1
    while rederive_next_turns(Project.objects.get(pk=project.pk)):
        steps += 1
    return steps


def test_stored_runs_get_their_new_assistants(posted: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agent_key, "MAX_TURNS_PER_STEP", 2)
    run = factories.post_run(posted, assistant_id="asst_1")
    assert change_agent_metadata_key(posted, "team")
    assert finish(posted) == 2
    assert list_assistants(posted) == ["asst_1", "responses", "x", "y"]
    assert Run.objects.get(external_id=run.external_id).version == run.version
    assert Project.objects.get(pk=posted.pk).turns_derived_until is None
    assert not rederive_next_turns(Project.objects.get(pk=posted.pk))


def test_new_key_and_back_restores_the_runs(posted: Project) -> None:
    before = describe_runs(posted)
    for name in ("team", "agent"):
        change_agent_metadata_key(posted, name)
        finish(posted)
    assert describe_runs(posted) == before


def test_same_key_changes_nothing(posted: Project) -> None:
    assert not change_agent_metadata_key(posted, "agent")
    assert posted.turns_derived_until is None


@pytest.mark.parametrize("name", ["", "x" * 65, "two\nlines", "\x00"])
def test_impossible_key_is_refused(posted: Project, name: str) -> None:
    with pytest.raises(InvalidAgentKey):
        change_agent_metadata_key(posted, name)

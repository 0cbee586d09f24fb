"""Tags: normalization, limits, adding and removing."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from runs.errors import InvalidTag
from runs.models import Project, Run, RunTag, User
from runs.models.run_tag import MAX_TAG_LENGTH, normalize_tag
from runs.query import Query, RunFilters, planner
from runs.team import tags
from tests import factories


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("urgent", "urgent"),
        ("  Needs  Review ", "needs-review"),
        ("env:prod", "env:prod"),
        ("C++/v1.2_x", "c++/v1.2_x"),
        ("Größe", "größe"),
        ("caf\N{LATIN SMALL LETTER E}\N{COMBINING ACUTE ACCENT}", "café"),
        ("42", "42"),
        ("x" * MAX_TAG_LENGTH, "x" * MAX_TAG_LENGTH),
    ],
)
def test_tag_is_normalized(text: str, name: str) -> None:
    assert normalize_tag(text) == name
    assert normalize_tag(name) == name


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "-x",
        ">1",
        "a,b",
        'a"b',
        "(a)",
        "a*",
        "a\0b",
        "\ud800",
        "x" * (MAX_TAG_LENGTH + 1),
        "#x",
        "_x",
        "é\u200b",
    ],
)
def test_invalid_tag_is_rejected(text: str) -> None:
    with pytest.raises(ValueError, match="expected a tag of at most 40 characters: letters, digits and"):
        normalize_tag(text)


def test_commas_separate_tags() -> None:
    assert tags.parse_tags("Urgent, needs review,,urgent") == ["urgent", "needs-review"]


@pytest.mark.parametrize("text", ["", " , ", ","])
def test_empty_text_is_rejected(text: str) -> None:
    with pytest.raises(InvalidTag, match="expected a tag, such as needs-review"):
        tags.parse_tags(text)


def test_every_invalid_tag_is_reported() -> None:
    with pytest.raises(InvalidTag) as raised:
        tags.parse_tags("fine, -x, (y)")
    assert [problem.message.rpartition("got ")[2] for problem in raised.value.problems] == ["' -x'", "' (y)'"]


def test_tags_are_added_and_removed(project: Project, member: User) -> None:
    runs = [factories.post_run(project) for _ in range(3)]
    keys = [run.pk for run in runs]
    assert tags.add_tags(project, keys[:2], ["urgent", "billing"], member) == 2
    assert tags.add_tags(project, keys, ["urgent"], member) == 1
    assert RunTag.objects.names_by_run(keys) == {
        keys[0]: ["billing", "urgent"],
        keys[1]: ["billing", "urgent"],
        keys[2]: ["urgent"],
    }
    stored = RunTag.objects.get(run_id=keys[2])
    assert (stored.tagged_by, stored.created_at, stored.project) == (member, runs[2].created_at, project)
    assert tags.remove_tags(project, keys, ["billing", "nothing"]) == 2
    assert RunTag.objects.names_of(runs[0]) == ["urgent"]


def test_runs_of_other_projects_are_not_tagged(project: Project, member: User) -> None:
    other = factories.make_project("other")
    run = factories.post_run(other)
    assert tags.add_tags(project, [run.pk], ["urgent"], member) == 0
    tags.add_tags(other, [run.pk], ["urgent"], member)
    assert tags.remove_tags(project, [run.pk], ["urgent"]) == 0
    assert RunTag.objects.names_of(run) == ["urgent"]


def test_number_of_tags_is_limited(project: Project, member: User) -> None:
    full, free = factories.post_run(project, id="run_full"), factories.post_run(project)
    tags.add_tags(project, [full.pk], [f"tag-{number}" for number in range(tags.MAX_TAGS_PER_RUN)], member)
    with pytest.raises(InvalidTag, match="a run has at most 20 tags, and run_full would have 21"):
        tags.add_tags(project, [free.pk, full.pk], ["one-more"], member)
    assert RunTag.objects.names_of(free) == []
    assert tags.add_tags(project, [free.pk, full.pk], ["tag-0"], member) == 1


def test_tags_do_not_change_posted_run(project: Project, member: User) -> None:
    run = factories.post_run(project)
    before = run.as_json()
    tags.add_tags(project, [run.pk], ["urgent"], member)
    run.refresh_from_db()
    assert run.as_json() == before


def test_tag_outlives_its_author(project: Project, member: User) -> None:
    run = factories.post_run(project)
    tags.add_tags(project, [run.pk], ["urgent"], member)
    member.delete()
    assert RunTag.objects.get().tagged_by is None


def test_tags_follow_changed_creation_time(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planner, "SAMPLE_SIZE", 1)
    late = datetime.fromtimestamp(factories.NOW + 5000, UTC)
    run = factories.post_run(project, id="run_moved", created_at=factories.NOW)
    other = factories.post_run(project, id="run_other", created_at=factories.NOW + 1000)
    tags.add_tags(project, [run.pk, other.pk], ["kept"], None)
    assert RunTag.objects.newest_run_created_at() == other.created_at
    factories.post_run(project, id="run_moved", created_at=factories.NOW + 5000)
    assert dict(RunTag.objects.values_list("run__external_id", "created_at")) == {
        "run_moved": late,
        "run_other": other.created_at,
    }
    for text in ("tag:kept", "tag:ke*", "tag:*", "tag:kept,gone"):
        runs = RunFilters(q=Query.parse(text)).apply(Run.objects.in_project(project)).newest_first()
        assert [run.external_id for run in runs] == ["run_moved", "run_other"], text

"""Tags: what may be one, on which runs, and how many."""

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
    ("typed", "name"),
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
def test_a_tag_is_written_in_one_way(typed: str, name: str) -> None:
    assert normalize_tag(typed) == name
    assert normalize_tag(name) == name


@pytest.mark.parametrize(
    "typed",
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
def test_what_is_no_tag_is_refused_with_what_was_expected(typed: str) -> None:
    with pytest.raises(ValueError, match="expected a tag of at most 40 characters: letters, digits and"):
        normalize_tag(typed)


def test_several_are_separated_by_commas() -> None:
    assert tags.parse_tags("Urgent, needs review,,urgent") == ["urgent", "needs-review"]


@pytest.mark.parametrize("typed", ["", " , ", ","])
def test_nothing_typed_is_refused(typed: str) -> None:
    with pytest.raises(InvalidTag, match="expected a tag, such as needs-review"):
        tags.parse_tags(typed)


def test_every_one_that_is_wrong_is_named() -> None:
    with pytest.raises(InvalidTag) as refused:
        tags.parse_tags("fine, -x, (y)")
    assert [each.message.rpartition("got ")[2] for each in refused.value.problems] == ["' -x'", "' (y)'"]


def test_tags_are_put_on_and_taken_off(project: Project, member: User) -> None:
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


def test_runs_of_another_project_are_out_of_reach(project: Project, member: User) -> None:
    other = factories.make_project("other")
    run = factories.post_run(other)
    assert tags.add_tags(project, [run.pk], ["urgent"], member) == 0
    tags.add_tags(other, [run.pk], ["urgent"], member)
    assert tags.remove_tags(project, [run.pk], ["urgent"]) == 0
    assert RunTag.objects.names_of(run) == ["urgent"]


def test_a_run_has_so_many_tags_and_no_more(project: Project, member: User) -> None:
    full, free = factories.post_run(project, id="run_full"), factories.post_run(project)
    tags.add_tags(project, [full.pk], [f"tag-{number}" for number in range(tags.MAX_TAGS_PER_RUN)], member)
    with pytest.raises(InvalidTag, match="a run has at most 20 tags, and run_full would have 21"):
        tags.add_tags(project, [free.pk, full.pk], ["one-more"], member)
    assert RunTag.objects.names_of(free) == []
    assert tags.add_tags(project, [free.pk, full.pk], ["tag-0"], member) == 1


def test_a_tagged_run_is_still_what_was_posted(project: Project, member: User) -> None:
    run = factories.post_run(project)
    before = run.as_json()
    tags.add_tags(project, [run.pk], ["urgent"], member)
    run.refresh_from_db()
    assert run.as_json() == before


def test_tags_stay_where_a_person_is_gone(project: Project, member: User) -> None:
    run = factories.post_run(project)
    tags.add_tags(project, [run.pk], ["urgent"], member)
    member.delete()
    assert RunTag.objects.get().tagged_by is None


def test_tags_follow_a_run_that_is_posted_with_another_time(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
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
        found = RunFilters(q=Query.parse(text)).apply(Run.objects.in_project(project)).newest_first()
        assert [each.external_id for each in found] == ["run_moved", "run_other"], text

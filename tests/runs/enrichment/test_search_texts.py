"""Searched texts follow the messages and steps that they are derived from."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from runs.enrichment import search_backfill, search_index, search_recheck
from runs.enrichment.maintenance import Maintenance
from runs.enrichment.search_backfill import measure_search_backfill
from runs.enrichment.search_recheck import RECHECK_DELAYS
from runs.enrichment.search_text_table import MAX_INLINE_ROWS
from runs.enrichment.search_texts import derive_step_text
from runs.integrity.check_results import Severity
from runs.integrity.search_texts import check_search_texts
from runs.models import Message, Project, Run, RunStep, SearchText
from runs.models.search_text import CALL_SEPARATOR, MAX_SEARCHED_LENGTH, MAX_SEARCHED_STEP_LENGTH
from runs.team.deletion import delete_thread
from tests import factories

ANSWERED_AT = factories.NOW + 100


@pytest.fixture
def run(project: Project) -> dict[str, Any]:
    """A run with a step of one call, a question and an answer."""
    posted = factories.run_object()
    factories.post(project, posted)
    factories.post_steps(project, factories.step_object(posted, factories.function_call("search_orders"), id="step_a"))
    question = factories.message_object(None, "Where is it?", thread_id=posted["thread_id"])
    factories.post_messages(
        project, question, factories.message_object(posted, "On its way.", id="msg_a", created_at=ANSWERED_AT)
    )
    return posted


def read_rows() -> list[str]:
    return sorted(map(str, SearchText.objects.values_list("id", "said", "arguments", "output")))


def read_texts() -> set[str | None]:
    return set(SearchText.objects.values_list("said", flat=True))


def test_edited_message_replaces_its_text(project: Project, run: dict[str, Any]) -> None:
    search_index.index_search_texts(project)
    factories.post_messages(project, factories.message_object(run, "On its way. It comes today.", id="msg_a"))
    assert read_texts() == {None, "Where is it?", "On its way. It comes today."}
    assert SearchText.objects.get(is_indexed=False).said == "On its way. It comes today."


def test_reposted_records_write_no_text(project: Project, run: dict[str, Any]) -> None:
    search_index.index_search_texts(project)
    factories.post_messages(project, factories.message_object(run, "On its way.", id="msg_a", created_at=ANSWERED_AT))
    assert not SearchText.objects.filter(is_indexed=False).exists()


def test_texts_are_deleted_with_their_run(project: Project, run: dict[str, Any]) -> None:
    factories.delete_stored_runs(project, [run["id"]])
    assert not SearchText.objects.exists()


def test_texts_are_deleted_with_their_thread(project: Project, run: dict[str, Any]) -> None:
    delete_thread(project, run["thread_id"], lambda _: None)
    assert not SearchText.objects.exists()


def test_derived_runs_replace_their_texts(project: Project) -> None:
    derived = factories.derived_run(None, factories.function_call("search_orders"), text="First answer.")
    factories.derive(project, derived)
    assert read_texts() >= {"First answer."}
    factories.derive(project, factories.derived_run(derived.run, text="Second answer."))
    assert "First answer." not in read_texts()
    assert not SearchText.objects.filter(kind=SearchText.Kind.CALLS).exists()
    assert check_search_texts(project, is_repairing=False).severity is Severity.OK


def test_pending_calls_are_searched_until_submitted(project: Project) -> None:
    waiting = factories.waiting_run("book_hotel")
    factories.post(project, waiting)
    text = SearchText.objects.get()
    assert (text.kind, text.arguments) == (SearchText.Kind.CALLS, '{"order": "A-1"}')
    factories.post(project, waiting | {"status": "completed", "required_action": None, "completed_at": ANSWERED_AT})
    assert not SearchText.objects.exists()


def test_derived_runs_keep_texts_of_pending_calls(project: Project) -> None:
    waiting = factories.waiting_run("book_hotel")
    for text in ("First.", "Second."):
        factories.derive(project, factories.derived_run(waiting, text=text))
        assert SearchText.objects.of_calls([project.record_id(waiting["id"])]).count() == 1
    factories.derive(project, former_ids=[waiting["id"]])
    assert not SearchText.objects.filter(kind=SearchText.Kind.CALLS).exists()


def test_many_rows_replace_what_older_code_left(project: Project, run: dict[str, Any]) -> None:
    messages = [factories.message_object(run, f"Line {n}.", id=f"msg_{n}") for n in range(MAX_INLINE_ROWS + 1)]
    factories.post_messages(project, *messages)
    search_index.index_search_texts(project)
    Message.objects.all().delete()  # as older code does: without the texts
    factories.post_messages(project, *(message | {"role": "user"} for message in messages))
    texts = SearchText.objects.filter(said__startswith="Line")
    assert set(texts.values_list("kind", "is_indexed")) == {(SearchText.Kind.ASKED, False)}
    assert len(texts) == len(messages)


def test_recheck_follows_what_older_code_wrote(
    project: Project, run: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = read_rows()
    factories.post(project, deleted := factories.waiting_run("book_hotel"))
    started = timezone.now() - RECHECK_DELAYS[0]
    Project.objects.update(search_recheck_since=started)
    # older code deletes a run and its parts, adds a step, and changes a message
    Run.objects.filter(external_id=deleted["id"]).delete()
    SearchText.objects.filter(kind=SearchText.Kind.CALLS, run_id=project.record_id(run["id"])).delete()
    SearchText.objects.filter(kind=SearchText.Kind.ASKED).update(said="?")
    monkeypatch.setattr(search_recheck, "RECHECK_BATCH_SIZE", 1)
    while search_recheck.recheck_search_texts(Project.objects.get()):
        pass
    assert read_rows() == expected
    # the second pass is the last one
    Project.objects.update(search_recheck_since=timezone.now() - RECHECK_DELAYS[1])
    while search_recheck.recheck_search_texts(Project.objects.get()):
        pass
    assert Project.objects.get().search_recheck_since is None


def test_recheck_waits_and_passes_older_records(project: Project, run: dict[str, Any]) -> None:
    SearchText.objects.all().delete()
    Project.objects.update(search_recheck_since=timezone.now())
    assert not search_recheck.recheck_search_texts(Project.objects.get())
    assert Project.objects.get().search_rechecked_until == ""
    Project.objects.update(search_recheck_since=timezone.now() - RECHECK_DELAYS[0])
    Message.objects.update(seen_at=timezone.now() - 2 * RECHECK_DELAYS[0])
    while search_recheck.recheck_search_texts(Project.objects.get()):
        pass
    assert {text.kind for text in SearchText.objects.all()} == {SearchText.Kind.CALLS}


def test_backfill_makes_stored_records_searchable(
    project: Project, run: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    factories.post(project, factories.waiting_run("book_hotel"))
    expected = read_rows()
    SearchText.objects.all().delete()
    Project.objects.update(searchable_until="")
    monkeypatch.setattr(search_backfill, "SEARCH_BACKFILL_BATCH_SIZE", 1)
    factories.post_messages(
        project, factories.message_object(run, "On its way.", id="msg_a", created_at=ANSWERED_AT)
    )  # unchanged meanwhile
    maintenance = Maintenance()
    percentages = []
    while maintenance.step():
        percentages.append(measure_search_backfill(Project.objects.get()))
    assert percentages == sorted(percentages, key=lambda share: 100 if share is None else share)
    assert measure_search_backfill(Project.objects.get()) is None
    assert read_rows() == expected
    assert SearchText.objects.filter(is_indexed=False).count() == 0


@pytest.mark.parametrize("damage", ["missing", "changed", "left over"])
def test_doctor_repairs_searched_texts(project: Project, run: dict[str, Any], damage: str) -> None:
    match damage:
        case "missing":
            SearchText.objects.filter(kind=SearchText.Kind.CALLS).delete()
        case "changed":
            SearchText.objects.filter(kind=SearchText.Kind.ASKED).update(said="?")
        case _:
            RunStep.objects.all().delete()
    found = check_search_texts(project, is_repairing=False)
    assert (found.severity, found.message[:2]) == (Severity.WARNING, "1 ")
    assert check_search_texts(project, is_repairing=True).message.startswith("repaired: 1 ")
    assert check_search_texts(project, is_repairing=False).message.startswith("no ")


def test_long_texts_are_searched_up_to_limits(project: Project) -> None:
    run = factories.run_object()
    calls = [factories.function_call(f"f{n}", "x" * 20_000, f"end {n}") for n in range(20)]
    factories.post_steps(project, factories.step_object(run, *calls))
    text = derive_step_text(project, RunStep.objects.get())
    assert text is not None
    assert text.arguments is not None
    assert text.output is not None
    assert text.arguments.split(CALL_SEPARATOR)[0] == "x" * MAX_SEARCHED_LENGTH
    assert len(text.arguments) == MAX_SEARCHED_STEP_LENGTH
    assert text.output.split(CALL_SEPARATOR)[-1] == "end 19"


def test_hostile_ids_and_texts_are_indexed(project: Project) -> None:
    run = factories.run_object()
    calls = [
        factories.function_call("f", "\x1e\u0000\ud800", "'\\:*&|!")
        | {"id": f"it's \\ a '{n}' :* & \u0000" + "i" * 999}
        for n in range(3)
    ]
    factories.post_steps(project, factories.step_object(run, *calls))
    search_index.index_search_texts(project)
    assert SearchText.objects.get().is_indexed

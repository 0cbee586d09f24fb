"""The history on the run page: every stored post, and the differences between versions."""

from __future__ import annotations

from django.test import Client

from runs.models import Project
from tests import factories
from tests.dashboard.pages.run.run_pages import open_run, run_url, texts_of


def test_every_post_is_listed_with_its_key(project: Project, member_client: Client) -> None:
    key = factories.make_key(project)
    run = factories.run_object(status="queued", started_at=None, completed_at=None, usage=None)
    done = run | {"status": "completed", "completed_at": run["created_at"] + 9}
    late = run | {"status": "in_progress", "started_at": run["created_at"]}
    for posted in (run, done, late):
        headers = {"Authorization": f"Bearer {key}"}
        Client().post("/api/v1/runs", posted, content_type="application/json", headers=headers)
    created, updated, stale = open_run(member_client, run).table("History").rows
    columns = ("Outcome", "Status", "Key")
    assert [created[column].text for column in columns] == ["created", "Queued", "test"]
    assert [updated[column].text for column in columns] == ["updated", "Queued → Completed", "test"]
    assert sorted(updated["Changed fields"].text.split(", ")) == ["completed_at", "status"]
    assert [stale[column].text for column in columns] == ["stale ignored (older state)", "In progress", "test"]


def test_conflicting_ends_are_marked(project: Project, member_client: Client) -> None:
    done = factories.run_object()
    factories.post(project, done)
    factories.post(project, done | {"status": "failed", "failed_at": done["completed_at"] + 5})
    assert "contradiction" in open_run(member_client, done).region("History").text


def test_any_two_versions_can_be_compared(project: Project, member_client: Client) -> None:
    begun = factories.run_object(status="in_progress", completed_at=None, usage=None, metadata={"n": "1"})
    ended = begun | {
        "status": "completed", "completed_at": begun["created_at"] + 5, "metadata": {"n": "2"}, "vendor": [1.0, None],
    }  # fmt: skip
    late = begun | {"metadata": {"n": "<script>"}}
    for posted in (begun, ended, late):
        factories.post(project, posted)
    rows = open_run(member_client, begun).table("History").rows
    # A stale post is compared with the version that was current when it arrived.
    assert [row.link().url for row in rows[1:]] == ["?from=0&to=1#history", "?from=1&to=2#history"]

    history = open_run(member_client, begun, "?from=0&to=1").region("History")
    assert "From version 1 to 2 status" in history.text
    # The differences follow the row of the newer version.
    assert "From version 1 to 2" in history.table("History").rows[2].text
    assert history.form(None).values == [("from", "0"), ("to", "1")]
    assert "vendor not sent → a value" in history.text
    assert texts_of(history, "del")[:1] == ["in_progress"]
    assert texts_of(history, "ins")[:1] == ["completed"]
    assert '"n": "1"' in texts_of(history, "del")
    assert '"n": "2"' in texts_of(history, "ins")
    assert "1.0, null" in " ".join(texts_of(history, "ins"))

    stale = open_run(member_client, begun, "?from=0&to=2", target="history")
    assert not stale.has("main")
    assert '"n": "<script>"' in texts_of(stale, "ins")
    same = open_run(member_client, begun, "?from=1&to=1").region("History")
    assert "no differences" in same.text


def test_emptier_post_of_step_is_listed(project: Project, member_client: Client) -> None:
    run = factories.run_object()
    full = factories.step_object(run, factories.function_call("search", output="all results"), id="step_1 ?")
    factories.post(project, run)
    factories.post_steps(project, full, full | {"step_details": {"type": "tool_calls", "tool_calls": []}})
    [row] = open_run(member_client, run).table("History of steps").rows
    assert [row[column].text for column in ("Outcome", "Changed fields")] == ["stale", "step_details"]
    assert row.link().url == "?step=step_1%20%3F&from=0&to=1#history"
    diff = open_run(member_client, run, "?step=step_1%20%3F&from=0&to=1").region("History")
    assert "of step step_1 ?" in diff.text
    assert "all results" in " ".join(texts_of(diff, "del"))
    assert member_client.get(f"{run_url(run['id'])}?step=other&from=0&to=1").status_code == 404


def test_unknown_version_gets_404(project: Project, member_client: Client) -> None:
    run = factories.run_object()
    factories.post(project, run)
    assert member_client.get(f"{run_url(run['id'])}?from=0&to=9").status_code == 404

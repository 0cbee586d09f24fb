"""The upload of files: what is stored, the verdict, and who may do it."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponseBase
from django.test import Client, override_settings

from runs.models import AuditEvent, Project, Response, Run
from tests import factories
from tests.factories import run_object
from tests.pages import Page
from tests.responses import response_object

URL = "/p/default/import/"


def upload(client: Client, **files: bytes | str) -> HttpResponseBase:
    contents = {name: text.encode() if isinstance(text, str) else text for name, text in files.items()}
    uploads = [SimpleUploadedFile(name.replace("__", "."), content) for name, content in contents.items()]
    return client.post(URL, {"files": uploads})


def lines(*objects: Any) -> str:
    return "".join(json.dumps(value) + "\n" for value in objects)


def test_files_of_all_forms_are_stored(member_client: Client, project: Project) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("a.json", json.dumps([run_object(), run_object()]))
        opened.writestr("notes.md", "a note")
    response = response_object()
    stream = f"event: response.completed\ndata: {json.dumps({'type': 'response.completed', 'response': response})}\n\n"
    answered = upload(
        member_client,
        runs__jsonl=lines(run_object(), run_object()),
        packed__json__gz=gzip.compress(json.dumps(run_object()).encode()),
        many__zip=archive.getvalue(),
        stream__sse=stream,
    )
    assert answered.status_code == 200
    page = Page(answered)
    assert page.status().text.startswith("6 records stored.")
    assert page.definition("created").text == "6"
    assert "many.zip/notes.md" in page.text
    assert (Run.objects.count(), Response.objects.count()) == (6, 1)
    assert "imported runs.jsonl, packed.json.gz, many.zip and 1 more files: 6" in str(
        AuditEvent.objects.newest(project)[0]
    )


def test_verdict_names_index_field_and_reason(member_client: Client) -> None:
    invalid = run_object(id="run_wrong", status=7)
    page = Page(upload(member_client, runs__json=json.dumps([run_object(), run_object(), invalid])))
    assert page.status().text.startswith("2 records stored, 1 rejected")
    row = page.table("Table of rejected records").row("run_wrong")
    assert (row["File"].text, row["Index"].text, row["Field"].text) == ("runs.json", "2", "/status")
    assert "expected string" in row["Reason"].text
    assert page.link("Show errors").url == "/p/default/errors/"


def test_repeated_upload_changes_nothing(member_client: Client) -> None:
    content = lines(run_object())
    upload(member_client, runs__jsonl=content)
    assert Page(upload(member_client, runs__jsonl=content)).definition("unchanged").text == "1"
    assert Run.objects.count() == 1


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a__json", b"<html>Sign in</html>", "a.json: the file is HTML"),
        ("a__json__gz", gzip.compress(b'{"id": 1}', mtime=0)[:-9], "a.json.gz: the gzip data is damaged"),
        ("a__zip", b"PK\x03\x04 none", "a.zip: the zip archive is damaged"),
        ("a__json", b"  ", "there is no file in it that can be imported"),
    ],
)
def test_unreadable_file_is_explained(member_client: Client, name: str, content: bytes, reason: str) -> None:
    answered = upload(member_client, **{name: content})
    assert answered.status_code == 422
    assert reason in Page(answered).status().text


def test_form_without_file_is_refused(member_client: Client) -> None:
    answered = member_client.post(URL)
    assert (answered.status_code, Page(answered).alert().text) == (422, "Choose at least one file.")


def test_long_import_stops_with_its_verdict(member_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runs.transfer.imports._MAX_BATCH_RECORDS", 2)
    monkeypatch.setattr("dashboard.pages.imports.verdict._TIME_SHARE", 0)
    page = Page(upload(member_client, runs__jsonl=lines(*(run_object() for _ in range(6)))))
    assert "The import took too long and stopped." in page.status().text
    assert Run.objects.count() == 2


def test_many_rejects_are_cut(member_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboard.pages.imports.views.MAX_SHOWN_REJECTS", 3)
    monkeypatch.setattr("dashboard.pages.imports.verdict.MAX_SHOWN_REJECTS", 3)
    page = Page(upload(member_client, runs__jsonl=lines(*({"id": f"x{n}", "object": "thread.run"} for n in range(8)))))
    assert len({row["Index"].text for row in page.table("Table of rejected records").rows}) == 3
    assert "The first 3 rejected records are shown." in page.text


def test_viewers_and_strangers_upload_nothing(client: Client, project: Project) -> None:
    assert client.get(URL)["Location"].startswith("/login/")
    client.force_login(factories.make_user(project, role="viewer"))
    assert client.get(URL).status_code == 403
    assert upload(client, runs__jsonl=lines(run_object())).status_code == 403
    assert not Page(client.get("/p/default/runs/")).has("link", "Import files")
    assert not Run.objects.exists()


def test_upload_needs_the_form_token(project: Project) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(factories.make_user(project, role="member"))
    assert upload(client, runs__jsonl=lines(run_object())).status_code == 403
    assert not Run.objects.exists()


@override_settings(MAX_BODY_BYTES=7 * 1024 * 1024)
def test_page_names_limit_and_command(member_client: Client) -> None:
    page = Page(member_client.get(URL))
    assert "Up to 7 MB at once." in page.text
    assert "manage.py import_runs PATH --project default" in page.text
    assert Page(member_client.get("/p/default/runs/")).link("Import files").url == URL

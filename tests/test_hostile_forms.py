"""Hostile posts to every form of every page: no server error, no effect in other projects, no way out of the site.

The forms are those of the access matrix. The fields of a form are recorded while its view reads them, so that new forms
and new fields are tested without an entry here. Each field has all `WRONG_VALUES`; other hostile values take turns.
"""

from __future__ import annotations

import copy
import itertools
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

import pytest
from django.apps import apps
from django.core.handlers.wsgi import WSGIRequest
from django.db import connection, transaction
from django.http import QueryDict
from django.test import Client

from runs.models import Project, User
from tests import factories
from tests.endpoints import MAX_CPU_SECONDS
from tests.test_access_matrix import ACCESS, OURS, PAGE_NAMES, THEIRS, URLS, Site, sign_in, store_records
from tests.test_hostile_requests import HOSTILE_VALUES

FORMS = [name for name in PAGE_NAMES if "POST" in ACCESS[name]]
SITE_FORMS = [name for name in FORMS if not URLS[name].startswith("p/")]
URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=b"
# They are written as they are into the body.
WRONG_VALUES = (
    "",
    "%00",
    "a%00b",
    "%ed%a0%80",
    "%5Cud800",
    "x" * 100_000,
    "9" * 5_000,
    "-1",
    "%5B%5D",
    "%7B%22a%22:1%7D",
)
VALUES_IN_TURN = 3
VALID_FIELDS = {
    "form_project": "default",
    "confirm": "delete", "do": "add", "tag": "urgent", "action": "add", "text": "Seen.", "name": "A name",
    "slug": "a-name", "role": "member", "state": "resolved", "model": "gpt-4o", "query": "status=failed",
    "column": "model", "scopes": "read", "input": "1", "output": "2", "username": "admin",
}  # fmt: skip


class FieldRecorder:
    """Records the names of the fields that views read from posted forms."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.names: dict[str, None] = {}
        self._form: QueryDict | None = None
        get_form = WSGIRequest.POST.fget
        monkeypatch.setattr(WSGIRequest, "POST", property(lambda request: self._remember(get_form(request))))
        for name in ("__contains__", "__getitem__", "get", "getlist"):
            monkeypatch.setattr(QueryDict, name, self._record_access(getattr(QueryDict, name)))

    def take(self) -> list[str]:
        names, self.names = list(self.names), {}
        return names

    def _remember(self, form: QueryDict) -> QueryDict:
        self._form = form
        return form

    def _record_access(self, access: Any) -> Any:
        def recorded(query: QueryDict, name: str, *arguments: Any) -> Any:
            if query is self._form:
                self.names[name] = None
            return access(query, name, *arguments)

        return recorded


class Attacker:
    """Posts to forms as an administrator of the project and of the site, undoes it, and collects the faults."""

    def __init__(self, site: Site, other: Project, theirs: Mapping[str, str]) -> None:
        self.site = site
        self.theirs = theirs
        self.faults: list[str] = []
        self._count_rows = build_count_of_rows(other, theirs["run"])
        self._rows = self._count_other_rows()
        self._htmx_turns = itertools.cycle([{}, {"HX-Request": "true"}])

    def post(self, name: str, body: str | bytes, content_type: str = URLENCODED) -> None:
        client = self.site.users["anonymous" if name == "account_login" else "admin"]
        cookies = copy.deepcopy(client.cookies)
        started = time.thread_time()
        with transaction.atomic():
            path, headers = self.site.path(name), next(self._htmx_turns)
            response: Any = client.generic("POST", path, body, content_type, headers=headers)
            _ = b"".join(response.streaming_content) if response.streaming else response.content
            faults = [*self._find_faults(name, response)]
            transaction.set_rollback(True)
        client.cookies = cookies
        if time.thread_time() - started > MAX_CPU_SECONDS:
            faults.append("is slow")
        self.faults += [f"{name} {fault}: {body[:120]!r} ({len(body):,}, {content_type})" for fault in faults]

    def _find_faults(self, name: str, response: Any) -> Iterator[str]:
        if response.status_code >= 500:
            yield f"responds with {response.status_code}"
        if self._count_other_rows() != self._rows:
            yield "changes another project"
        for header in ("Location", "HX-Redirect", "HX-Location", "HX-Push-Url"):
            if header in response and leads_away(response, response[header], name):
                yield f"leads to {response[header]}"

    def _count_other_rows(self) -> Any:
        with connection.cursor() as cursor:
            cursor.execute(self._count_rows)
            return cursor.fetchone()


def build_count_of_rows(project: Project, run: str) -> str:
    """Return the query for the number and the checksum of all rows of a project and of a run of it."""
    selects = []
    for model in apps.get_app_config("runs").get_models():
        columns = {field.column for field in model._meta.concrete_fields}
        of_project = {"project_id": f"project_id = {project.pk}", "run_id": f"run_id = '{run}'"}
        conditions = [condition for column, condition in of_project.items() if column in columns]
        if conditions:
            selects.append(f"SELECT hashtext(t::text) AS hash FROM {model._meta.db_table} t WHERE {conditions[0]}")
    return f"SELECT count(*), sum(hash) FROM ({' UNION ALL '.join(selects)}) AS hashes"


def leads_away(response: Any, url: str, name: str) -> bool:
    """Return whether a redirect leads to another site or, from a form of a project, out of the project."""
    target = urlsplit(urljoin(response.wsgi_request.build_absolute_uri(), url.replace("\\", "/")))
    is_in_place = name in SITE_FORMS or target.path.startswith("/p/default/")
    return target.netloc != "testserver" or not is_in_place


def encode_form(fields: Mapping[str, str]) -> str:
    return "&".join(f"{quote(name)}={value}" for name, value in fields.items())


def build_part(name: str, value: str, more: str = "") -> str:
    return f'--b\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n{value}\r\n'


def build_odd_bodies(fields: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield bodies that are wrong as a whole, each with its content type."""
    valid = encode_form(fields)
    parts = "".join(build_part(name, value) for name, value in fields.items())
    yield "", URLENCODED
    yield "&".join([valid] * 3), URLENCODED
    yield "&".join([valid, *(f"field{number}=" for number in range(6_000))]), URLENCODED
    yield valid, f"{URLENCODED}; charset=utf-16"
    yield valid, "application/json"
    yield parts, MULTIPART  # not closed
    yield f"{parts}--b--", "multipart/form-data"
    yield f"{parts}--b--", f"{MULTIPART}; charset=rot13"
    yield "".join(build_part(name, "+2AA-") for name in fields) + "--b--", f"{MULTIPART}; charset=utf-7"
    yield "".join(build_part(name, "x", '; filename="x"') for name in fields) + "--b--", MULTIPART


@pytest.fixture
def attacker(project: Project) -> Attacker:
    """An attacker in a project, beside another project."""
    other = factories.make_project("other")
    theirs = store_records(other, THEIRS)
    values = {"project": "default", **store_records(project, OURS)}
    admin = factories.make_user(project, "admin", name="admin")
    User.objects.filter(pk=admin.pk).update(is_superuser=True)
    users = {"admin": sign_in(admin), "anonymous": Client(raise_request_exception=False)}
    return Attacker(Site(project, values, users, {}), other, theirs)


def record_fields(attacker: Attacker, recorder: FieldRecorder, name: str) -> dict[str, str]:
    """Return the fields that a form reads, with valid values."""
    valid = VALID_FIELDS | {field: attacker.site.values[field] for field in ("run", "comment")}
    recorder.take()
    for fields in ({}, valid, valid | {"action": "edit", "do": "remove"}):
        attacker.post(name, encode_form(fields))
    return {field: valid.get(field, "") for field in recorder.take()}


@pytest.mark.parametrize("names", [FORMS[start::4] for start in range(4)], ids=range(4))
def test_hostile_forms_break_nothing(attacker: Attacker, names: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = FieldRecorder(monkeypatch)
    in_turn = itertools.cycle(HOSTILE_VALUES)
    for name in names:
        fields = record_fields(attacker, recorder, name)
        for field in fields:
            others = {other: value for other, value in fields.items() if other != field}
            attacker.post(name, encode_form(others))
            for value in (
                *WRONG_VALUES,
                attacker.theirs.get(field, THEIRS),
                *itertools.islice(in_turn, VALUES_IN_TURN),
            ):
                attacker.post(name, encode_form(others | {field: value}))
            attacker.post(name, encode_form(fields) + f"&{quote(field)}=%00&{quote(field)}=2")
        for body, content_type in build_odd_bodies(fields):
            attacker.post(name, body, content_type)
    assert not attacker.faults, "\n".join(attacker.faults)

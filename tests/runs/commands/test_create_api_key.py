"""`manage.py create_api_key`."""

from __future__ import annotations

import io

import pytest
from django.core.management import CommandError, call_command

from runs.models import ApiKey, Project
from runs.team.api_keys import find_api_key
from tests import factories


def create(*arguments: str) -> str:
    out = io.StringIO()
    call_command("create_api_key", *arguments, stdout=out)
    return out.getvalue()


def test_the_key_stands_alone_on_one_line(project: Project) -> None:
    printed = create("--name", "nightly import")
    assert printed.endswith("\n")
    assert printed.count("\n") == 1
    key = find_api_key(printed.strip())
    assert key is not None
    assert (key.project, key.name, key.scopes) == (project, "nightly import", ["ingest", "read"])


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ("ingest", ["ingest"]),
        ("read", ["read"]),
        ("ingest,read", ["ingest", "read"]),
        ("read,read", ["read"]),
    ],
)
def test_the_scope_is_what_was_asked_for(project: Project, scope: str, expected: list[str]) -> None:
    create("--name", "x", "--scope", scope)
    assert ApiKey.objects.get().scopes == expected


def test_the_key_belongs_to_the_named_project(project: Project) -> None:
    other = factories.make_project("other")
    key = find_api_key(create("--name", "x", "--project", "other").strip())
    assert key is not None
    assert key.project == other


@pytest.mark.parametrize("scope", ["", "write", "ingest,", "ingest read", "INGEST"])
def test_an_unknown_scope_is_refused_in_one_line(project: Project, scope: str) -> None:
    with pytest.raises(CommandError, match=r"unknown scope .*, known are ingest, read"):
        create("--name", "x", f"--scope={scope}")
    assert not ApiKey.objects.exists()


@pytest.mark.parametrize("name", ["", "  ", "x" * 101])
def test_a_name_must_fit(project: Project, name: str) -> None:
    with pytest.raises(CommandError, match="1 to 100 characters"):
        create(f"--name={name}")


def test_a_name_is_needed(project: Project) -> None:
    with pytest.raises(CommandError, match="--name"):
        create()


def test_an_unknown_project_is_refused_with_those_that_exist(project: Project) -> None:
    factories.make_project("other")
    with pytest.raises(CommandError, match=r"There is no project 'nope' \(there is: default, other\)"):
        create("--name", "x", "--project", "nope")


@pytest.mark.django_db
def test_without_any_project_the_way_out_is_named() -> None:
    with pytest.raises(CommandError, match=r"manage\.py up"):
        create("--name", "x")

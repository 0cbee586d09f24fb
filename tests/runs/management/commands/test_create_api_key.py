"""The command `manage.py create_api_key`."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command

from runs.models import ApiKey, Project
from runs.team.api_keys import find_api_key
from tests import factories


def create(*arguments: str) -> str:
    out = io.StringIO()
    call_command("create_api_key", *arguments, stdout=out)
    return out.getvalue()


def test_key_is_the_only_output(project: Project) -> None:
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
def test_scope_option_sets_scopes(project: Project, scope: str, expected: list[str]) -> None:
    create("--name", "x", "--scope", scope)
    assert ApiKey.objects.get().scopes == expected


def test_project_option_selects_the_project(project: Project) -> None:
    other = factories.make_project("other")
    key = find_api_key(create("--name", "x", "--project", "other").strip())
    assert key is not None
    assert key.project == other


def test_lifetime_option_sets_the_expiry(project: Project) -> None:
    create("--name", "x", "--expires-in-days", "30")
    key = ApiKey.objects.get()
    assert key.expires_at is not None
    assert abs(key.expires_at - key.created_at - timedelta(days=30)) < timedelta(seconds=5)


@pytest.mark.parametrize("days", ["0", "-1", "3651", "1.5", "soon", "", "9" * 5000, "²"])
def test_impossible_lifetime_is_rejected(project: Project, days: str) -> None:
    with pytest.raises(CommandError, match="expected 1 to 3650 days"):
        create("--name", "x", f"--expires-in-days={days}")
    assert not ApiKey.objects.exists()


@pytest.mark.parametrize("scope", ["", "write", "ingest,", "ingest read", "INGEST"])
def test_unknown_scope_is_rejected(project: Project, scope: str) -> None:
    with pytest.raises(CommandError, match=r"unknown scope .*, expected ingest or read"):
        create("--name", "x", f"--scope={scope}")
    assert not ApiKey.objects.exists()


@pytest.mark.parametrize("name", ["", "  ", "x" * 101])
def test_name_of_wrong_length_is_rejected(project: Project, name: str) -> None:
    with pytest.raises(CommandError, match="1 to 100 characters"):
        create(f"--name={name}")


def test_name_is_required(project: Project) -> None:
    with pytest.raises(CommandError, match="--name"):
        create()


def test_unknown_project_lists_existing_ones(project: Project) -> None:
    factories.make_project("other")
    with pytest.raises(CommandError, match=r"No project 'nope' \(existing projects: default, other\)"):
        create("--name", "x", "--project", "nope")


@pytest.mark.django_db
def test_missing_projects_suggest_up() -> None:
    with pytest.raises(CommandError, match=r"manage\.py up"):
        create("--name", "x")

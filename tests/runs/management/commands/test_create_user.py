"""The command `manage.py create_user`."""

from __future__ import annotations

import io

import pytest
from django.core.management import CommandError, call_command

from runs.models import Membership, Project, User
from tests import factories


def create(*arguments: str) -> str:
    out = io.StringIO()
    call_command("create_user", *arguments, stdout=out)
    return out.getvalue()


@pytest.mark.parametrize("role", ["viewer", "member", "admin"])
def test_user_gets_a_role_and_password(project: Project, role: str) -> None:
    printed = create("ada", "--role", role)
    assert printed.count("\n") == 1
    user = User.objects.get(username="ada")
    assert user.check_password(printed.strip())
    assert len(printed.strip()) >= 16
    assert (user.is_staff, user.is_superuser) == (False, False)
    membership = Membership.objects.get()
    assert (membership.user, membership.project, membership.role) == (user, project, role)


def test_default_role_is_viewer(project: Project) -> None:
    create("ada")
    assert Membership.objects.get().role == "viewer"


def test_passwords_are_unique(project: Project) -> None:
    assert create("ada") != create("grace")


def test_project_option_selects_the_project(project: Project) -> None:
    other = factories.make_project("other")
    create("ada", "--project", "other")
    assert list(Project.objects.visible_to(User.objects.get())) == [other]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["taken"], "already exists"),
        ([""], "blank"),
        (["two words"], "valid username"),
        (["x" * 151], "at most 150"),
        (["ada", "--role", "owner"], "invalid choice"),
        (["ada", "--project", "nope"], "No project 'nope'"),
        ([], "name"),
    ],
)
def test_invalid_arguments_create_nothing(project: Project, arguments: list[str], message: str) -> None:
    factories.make_user(name="taken")
    with pytest.raises(CommandError, match=message):
        create(*arguments)
    assert User.objects.count() == 1
    assert not Membership.objects.exists()


@pytest.mark.parametrize("name", ["a\0b", "a\nb", "\udcff", "a\u202eb"])
@pytest.mark.parametrize(
    "command", ["create_user", "unlock_user", "reset_password", "create_project", "create_api_key"]
)
def test_unprintable_arguments_are_refused(project: Project, command: str, name: str) -> None:
    arguments = {"create_project": ["other", "--admin", name], "create_api_key": ["--name", name]}
    with pytest.raises(CommandError):
        call_command(command, *arguments.get(command, [name]))
    with pytest.raises(CommandError, match="No project"):
        call_command("create_user", "ada", "--project", name)

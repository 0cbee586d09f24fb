"""The command `manage.py create_project`."""

from __future__ import annotations

import io

import pytest
from django.core.management import CommandError, call_command

from runs.models import Project
from tests import factories


def create(*arguments: str) -> str:
    out = io.StringIO()
    call_command("create_project", *arguments, stdout=out)
    return out.getvalue()


def test_project_gets_its_administrator(db: None) -> None:
    user = factories.make_user(name="ada")
    assert create("support", "--name", "Support", "--admin", "ada") == "Created project support\n"
    assert Project.objects.get().name == "Support"
    assert factories.role_of(user, Project.objects.get()) == "admin"


@pytest.mark.parametrize("arguments", [["default"], ["not a slug"], ["new", "--admin", "nobody"]])
def test_invalid_arguments_are_rejected(project: Project, arguments: list[str]) -> None:
    factories.make_user(name="admin")
    with pytest.raises(CommandError):
        create(*arguments)
    assert Project.objects.count() == 1

"""The house rules that a machine can keep: layers, migrations, queries in one place, a complete README."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.urls import URLPattern, URLResolver, get_resolver
from importlinter import cli

ROOT: Path = settings.BASE_DIR
LONGEST = 400  # lines of a module
PACKAGES = ("runs", "dashboard")
# What asks the database with conditions of its own; everything else goes through the methods in runs/querysets.
ASKING = frozenset({"filter", "exclude", "annotate", "aggregate", "order_by", "raw", "extra", "select_related"})
ENVIRONMENT = re.compile(r"\b(?:RUNGLASS_[A-Z_]+|DATABASE_URL)\b")


def sources(*packages: str) -> Iterator[Path]:
    for package in packages:
        yield from sorted((ROOT / package).rglob("*.py"))


def readme() -> str:
    path = ROOT / "README.md"
    assert path.exists(), "there is no README.md"
    return path.read_text()


def mentions(word: str) -> bool:
    """Whether README has `word`, not only as a part of another."""
    return re.search(rf"(?<![\w/]){re.escape(word)}(?![\w/])", readme()) is not None


def test_imports_go_one_way(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)
    assert cli.lint_imports(config_filename="pyproject.toml", no_cache=True) == 0, capsys.readouterr().out


@pytest.mark.django_db
def test_migrations_are_complete(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("makemigrations", check=True, dry_run=True, interactive=False)
    assert "No changes detected" in capsys.readouterr().out


def test_pages_ask_the_database_through_querysets_alone() -> None:
    models = {model.__name__ for model in apps.get_app_config("runs").get_models()}
    found = [
        f"{path.relative_to(ROOT)}:{call.lineno} .{call.func.attr}()"
        for path in sources("dashboard")
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in ASKING
        and any(isinstance(each, ast.Name) and each.id in models for each in ast.walk(call.func.value))
    ]  # fmt: skip
    assert not found


def test_no_module_is_longer_than_a_person_can_hold() -> None:
    long = {
        str(path.relative_to(ROOT)): count
        for path in sources(*PACKAGES)
        if "migrations" not in path.parts and (count := len(path.read_text().splitlines())) > LONGEST
    }
    assert not long


def variables() -> list[str]:
    """Every environment variable that the product's modules name."""
    return sorted({name for path in sources(*PACKAGES) for name in ENVIRONMENT.findall(path.read_text())})


def commands() -> list[str]:
    folders = (ROOT / package / "management" / "commands" for package in PACKAGES)
    return sorted(path.stem for folder in folders for path in folder.glob("[!_]*.py"))


def api_paths() -> list[str]:
    """Every path of the REST API and the health checks, as a reader writes them: {run_id} for a part."""
    written = (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", path) for path in _paths(get_resolver().url_patterns, "/"))
    rest = re.compile(r"/(api/v1|v1)/.|/healthz|/readyz")
    return sorted({path for path in written if rest.match(path)})


def _paths(patterns: list[URLPattern | URLResolver], before: str) -> Iterator[str]:
    for each in patterns:
        whole = before + str(each.pattern)
        if isinstance(each, URLResolver):
            yield from _paths(each.url_patterns, whole)
        elif not re.fullmatch(r"<path:\w+>", str(each.pattern)):  # which is for all that is unknown
            yield whole


@pytest.mark.parametrize("name", variables())
def test_every_environment_variable_is_in_the_readme(name: str) -> None:
    assert mentions(name)


@pytest.mark.parametrize("name", commands())
def test_every_command_is_in_the_readme(name: str) -> None:
    assert mentions(f"manage.py {name}")


@pytest.mark.parametrize("path", api_paths())
def test_every_path_of_the_api_is_in_the_readme(path: str) -> None:
    assert mentions(path)


def test_no_machine_of_ours_is_named() -> None:
    foreign = re.compile(r"(?<![\w.])/(?:root|work|home/\w+)/")
    named = [
        str(path.relative_to(ROOT))
        for path in sources(*PACKAGES, "tests")
        if path != Path(__file__) and foreign.search(path.read_text())
    ]
    assert not named

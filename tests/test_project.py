"""Checks of the project as a whole: import directions, names, migrations, and documents against the code."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.urls import URLPattern, URLResolver, get_resolver

ROOT: Path = settings.BASE_DIR
PACKAGES = ("runs", "dashboard")
# Methods that state a condition. Pages call the methods of querysets in `runs.models` instead.
QUERYSET_METHODS = frozenset(
    {"filter", "exclude", "annotate", "aggregate", "order_by", "raw", "extra", "select_related"}
)
ENVIRONMENT_VARIABLE = re.compile(r"\b(?:RUNGLASS_[A-Z_]+|DATABASE_URL)\b")
# Names that the framework asks for: each management command is a class of this name.
SHARED_NAMES = frozenset({"Command"})
MAX_TEMPLATE_LINE = 200
MAX_README_LINES = 250


def iterate_sources(*packages: str) -> Iterator[Path]:
    for package in packages:
        yield from sorted((ROOT / package).rglob("*.py"))


def read_readme() -> str:
    return (ROOT / "README.md").read_text()


def read_operations() -> str:
    return (ROOT / "dashboard" / "OPERATIONS.md").read_text()


def has_word(text: str, word: str) -> bool:
    """Return whether `text` has `word`, not only as a part of another word."""
    return re.search(rf"(?<![\w/]){re.escape(word)}(?![\w/])", text) is not None


def test_import_contracts_hold() -> None:
    # in a process of its own, since it disables all loggers
    program = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


def test_public_names_are_unique() -> None:
    places: defaultdict[str, list[str]] = defaultdict(list)
    for path in iterate_sources(*PACKAGES):
        if "migrations" in path.parts:
            continue
        for node in ast.parse(path.read_text()).body:
            is_definition = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            if is_definition and not node.name.startswith("_") and node.name not in SHARED_NAMES:
                places[node.name].append(str(path.relative_to(ROOT)))
    assert {name: paths for name, paths in places.items() if len(paths) > 1} == {}


def test_runs_has_no_loose_modules() -> None:
    assert {path.name for path in (ROOT / "runs").glob("*.py")} == {"__init__.py", "apps.py", "errors.py"}


@pytest.mark.django_db
def test_migrations_match_the_models(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("makemigrations", check=True, dry_run=True, interactive=False)
    assert "No changes detected" in capsys.readouterr().out


def test_pages_use_queryset_methods() -> None:
    models = {model.__name__ for model in apps.get_app_config("runs").get_models()}
    calls = [
        f"{path.relative_to(ROOT)}:{call.lineno} .{call.func.attr}()"
        for path in iterate_sources("dashboard")
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr in QUERYSET_METHODS
        and any(isinstance(node, ast.Name) and node.id in models for node in ast.walk(call.func.value))
    ]
    assert not calls


def test_template_lines_are_short() -> None:
    long_lines = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in sorted((ROOT / "templates").rglob("*.html"))
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if len(line) > MAX_TEMPLATE_LINE
    ]
    assert not long_lines


def find_environment_variables() -> list[str]:
    """Return every environment variable that a module of the product names."""
    texts = (path.read_text() for path in iterate_sources(*PACKAGES))
    return sorted({name for text in texts for name in ENVIRONMENT_VARIABLE.findall(text)})


def find_commands() -> list[str]:
    folders = (ROOT / package / "management" / "commands" for package in PACKAGES)
    return sorted(path.stem for folder in folders for path in folder.glob("[!_]*.py"))


def find_api_paths() -> list[str]:
    """Return every path of the REST API, the health checks and the metrics, with parts as in `{run_id}`."""
    paths = (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", path) for path in _iterate_paths(get_resolver().url_patterns, "/"))
    is_api = re.compile(r"/(api/v1|v1)/.|/healthz|/readyz|/metrics")
    return sorted({path for path in paths if is_api.match(path)})


def _iterate_paths(patterns: list[URLPattern | URLResolver], prefix: str) -> Iterator[str]:
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _iterate_paths(pattern.url_patterns, path)
        elif not re.fullmatch(r"<path:\w+>", str(pattern.pattern)):  # catches unknown paths
            yield path


@pytest.mark.parametrize("name", find_environment_variables())
def test_environment_variable_is_documented(name: str) -> None:
    assert has_word(read_readme() + read_operations(), name)


@pytest.mark.parametrize("name", find_commands())
def test_command_is_in_readme(name: str) -> None:
    assert has_word(read_readme(), f"manage.py {name}")


@pytest.mark.parametrize("path", find_api_paths())
def test_api_path_is_in_readme(path: str) -> None:
    assert has_word(read_readme(), path)


def test_readme_is_short() -> None:
    assert len(read_readme().splitlines()) < MAX_README_LINES


def test_no_machine_path_is_named() -> None:
    machine_path = re.compile(r"(?<![\w.])/(?:root|work|home/\w+)/")
    named = [
        str(path.relative_to(ROOT))
        for path in iterate_sources(*PACKAGES, "tests")
        if path != Path(__file__) and machine_path.search(path.read_text())
    ]
    assert not named

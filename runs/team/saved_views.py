"""Saving views: validation, unique names, and the default view of a project."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import IntegrityError, transaction

from runs.db.keyset_pagination import Order
from runs.errors import InvalidFilter, InvalidView, Problem
from runs.models import SavedView
from runs.models.saved_view import MAX_VIEW_NAME_LENGTH
from runs.protocol.lossless_json import clean_text
from runs.query import RunFilters
from runs.query.order import parse_order

MAX_SAVED_VIEWS = 30  # shared views of a project, and private views of one person


def save_view(view: SavedView, *, default: bool | None = None) -> None:
    """Save a new or changed view. `default` makes it the default of the project's run list, or no longer the default.

    Raises InvalidView with one problem for each fault; its `path` is the name of the field.
    """
    view.name = " ".join(view.name.split())
    is_default = view.is_default if default is None else default
    problems = [*_find_problems(view)]
    if is_default and not view.shared:
        problems.append(Problem("shared", "the default view must be shared with the project"))
    if problems:
        raise InvalidView("; ".join(f"{problem.path}: {problem.message}" for problem in problems), problems)
    try:
        with transaction.atomic():
            if is_default:
                SavedView.objects.in_project(view.project).defaults().exclude(pk=view.pk).update(is_default=False)
            view.is_default = is_default
            view.save()
    except IntegrityError as error:  # another request saved the name first
        raise InvalidView(problems=[Problem("name", f"there is already a view '{view.name}'")]) from error


def _find_problems(view: SavedView) -> Iterator[Problem]:
    if message := _name_problem(view):
        yield Problem("name", message)
    if view.pk is None and SavedView.objects.siblings(view).count() >= MAX_SAVED_VIEWS:
        kind = "shared" if view.shared else "private"
        yield Problem("name", f"there are already {MAX_SAVED_VIEWS} {kind} views; delete one first")
    try:
        view.query = RunFilters.parse_query_text(view.query).to_query_text()
    except InvalidFilter as error:
        yield from (Problem("query", problem.message) for problem in error.problems)
    try:
        parse_order(view.sort or str(Order()))
    except InvalidFilter as error:
        yield from error.problems


def _name_problem(view: SavedView) -> str:
    if not view.name:
        return "expected a name, such as Failing today"
    if len(view.name) > MAX_VIEW_NAME_LENGTH:
        return f"expected at most {MAX_VIEW_NAME_LENGTH} characters, found {len(view.name)}"
    if clean_text(view.name) != view.name:
        return "must not contain NUL or lone surrogates"
    if SavedView.objects.siblings(view).named(view.name).exists():
        return f"there is already a view '{view.name}'"
    return ""

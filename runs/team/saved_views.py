"""Keeping views: what may be saved, under which name, and which one a project's list opens with."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import IntegrityError, transaction

from runs.errors import InvalidFilter, InvalidView, Problem
from runs.models import SavedView
from runs.models.saved_view import MAX_VIEW_NAME_LENGTH
from runs.protocol.lossless_json import clean_text
from runs.query import Order, RunFilters

MAX_SAVED_VIEWS = 30  # for all of a project, and as many for each person


def save_view(view: SavedView, *, default: bool | None = None) -> None:
    """Store `view`, new or changed; `default` makes it the one that the list opens with, or ends that.

    Raises InvalidView, one problem for each thing that is wrong, `path` the field.
    """
    view.name = " ".join(view.name.split())
    is_default = view.is_default if default is None else default
    problems = [*_problems(view)]
    if is_default and not view.shared:
        problems.append(Problem("shared", "what the list opens with for all must be a view for all"))
    if problems:
        raise InvalidView("; ".join(f"{each.path}: {each.message}" for each in problems), problems)
    try:
        with transaction.atomic():
            if is_default:
                SavedView.objects.in_project(view.project).defaults().exclude(pk=view.pk).update(is_default=False)
            view.is_default = is_default
            view.save()
    except IntegrityError as error:  # somebody else was faster
        raise InvalidView(problems=[Problem("name", "there is a view of that name already")]) from error


def _problems(view: SavedView) -> Iterator[Problem]:
    if reason := _name_problem(view):
        yield Problem("name", reason)
    if view.pk is None and SavedView.objects.beside(view).count() >= MAX_SAVED_VIEWS:
        whose = "for all" if view.shared else "for you alone"
        yield Problem("name", f"there are {MAX_SAVED_VIEWS} views {whose} already; delete one first")
    try:
        view.query = RunFilters.of_language(view.query).as_language()
    except InvalidFilter as error:
        yield from (Problem("query", each.message) for each in error.problems)
    try:
        Order.parse(view.sort or str(Order()))
    except InvalidFilter as error:
        yield from error.problems


def _name_problem(view: SavedView) -> str:
    if not view.name:
        return "expected a name, such as Failing today"
    if len(view.name) > MAX_VIEW_NAME_LENGTH:
        return f"a name has {MAX_VIEW_NAME_LENGTH} characters at the most, this has {len(view.name)}"
    if clean_text(view.name) != view.name:
        return "must not contain NUL or lone surrogates"
    if SavedView.objects.beside(view).called(view.name).exists():
        return f"there is a view '{view.name}' already"
    return ""

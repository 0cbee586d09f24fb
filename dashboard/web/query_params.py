"""The parameters of pages that have few: each known, given once at most, or refused by name."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import HttpRequest

from runs.errors import InvalidFilter, Problem


def read_query_params(request: HttpRequest, *known: str, repeated: Sequence[str] = ()) -> dict[str, str]:
    """The parameters of the address, the first value of each; those of `repeated` may have several.

    Raises InvalidFilter, one problem for each that can't be meant.
    """
    given = dict(request.GET.lists())
    single = {name: values[:1] if name in repeated else values for name, values in given.items()}
    problems = [Problem(name, reason) for name, values in single.items() if (reason := _wrong(name, values, known))]
    if problems:
        raise build_params_error(*problems)
    return {name: values[0] for name, values in given.items()}


def read_query_param(request: HttpRequest, name: str) -> str | None:
    """A parameter beside those that others read. Raises InvalidFilter where it is given more than once."""
    values = request.GET.getlist(name)
    if len(values) > 1:
        raise build_params_error(Problem(name, "given more than once"))
    return values[0] if values else None


def build_params_error(*problems: Problem) -> InvalidFilter:
    """The refusal of an address for these reasons."""
    return InvalidFilter("; ".join(f"{each.path}: {each.message}" for each in problems), problems)


def _wrong(name: str, values: Sequence[str], known: Sequence[str]) -> str:
    if name not in known:
        known_ones = f"known are {', '.join(known)}" if known else "this page takes none"
        return f"unknown parameter; {known_ones}"
    return "given more than once" if len(values) > 1 else ""

"""Parse the arguments that select runs."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from runs.errors import InvalidFilter, NotFound, Problem
from runs.models import Project, Run, RunAlias
from runs.query import RunFilters
from runs.query.grammar import QUERY_PARAM

RunQueryText = Annotated[
    str,
    Meta(
        description=(
            "Which runs, in the query language, such as `status:failed created:-7d`. Empty: all runs. "
            "describe_query_language explains it, list_values lists values that occur."
        )
    ),
]
RunId = Annotated[str, Meta(min_length=1, max_length=1_000, description="The id of a run, as search_runs returns it.")]
MaxTokens = Annotated[
    int, Meta(ge=1_000, le=25_000, description="The most tokens of the answer; longer content is shortened.")
]


def parse_run_query(text: str) -> RunFilters:
    """Return the filters of a query.

    Raises:
        InvalidFilter: the query is invalid; the problem names the column, and often a similar word.
    """
    try:
        return RunFilters.parse_query_text(text)
    except InvalidFilter as error:
        raise name_query_argument(error) from error


def name_query_argument(error: InvalidFilter) -> InvalidFilter:
    """Return the error with the name that the query has as an argument of a tool."""
    problems = [
        Problem("query" if problem.path == QUERY_PARAM else problem.path, problem.message) for problem in error.problems
    ]
    return InvalidFilter("; ".join(f"{problem.path}: {problem.message}" for problem in problems), problems)


def find_runs(project: Project, run_ids: dict[str, str]) -> dict[str, Run]:
    """Return the runs whose ids the arguments name, by argument, with their configurations.

    The id of a run that another one took over leads to that one.

    Raises:
        NotFound: the project has no run with one of these ids.
    """
    stored = Run.objects.with_external_ids(project, run_ids.values()).with_configuration()
    by_id = {run.external_id: run for run in stored}
    runs: dict[str, Run] = {}
    missing: list[Problem] = []
    for name, run_id in run_ids.items():
        if run := by_id.get(run_id) or RunAlias.objects.resolve_run(project, run_id):
            runs[name] = run
            run.project = project
        else:
            missing.append(Problem(name, f"no run '{run_id[:100]}' in project {project.slug}; search_runs finds ids"))
    if missing:
        raise NotFound("; ".join(f"{problem.path}: {problem.message}" for problem in missing), missing)
    return runs

"""The introduction of the OpenAPI document."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

from runs.analytics.usage import MAX_COUNTED_USAGE_RUNS
from runs.ingest import Outcome
from runs.ingest.request_bodies import MAX_OBJECTS_PER_BODY
from runs.query.query_help import LIMITS_HELP, SYNTAX_HELP, VALUE_HELP, HelpEntry, build_field_help

TAGS = [
    {"name": "Posting", "description": "Store runs, steps, messages and assistants. Requires the scope `ingest`."},
    {"name": "OpenTelemetry", "description": "Store traces over OTLP/HTTP. Requires the scope `ingest`."},
    {"name": "Runs", "description": "Read and delete runs and threads."},
    {"name": "Errors", "description": "Error groups: read them with the scope `read`, change them with `triage`."},
    {"name": "Usage", "description": "Tokens, costs and latency of runs."},
    {"name": "Documentation", "description": "This document. Requires no API key."},
]

OUTCOME_DESCRIPTIONS = {
    Outcome.CREATED: "The object is new.",
    Outcome.UPDATED: "The object replaced the stored one.",
    Outcome.UNCHANGED: "The object equals the stored one.",
    Outcome.STALE: "The stored object is more advanced. Nothing changes, but the history of a run records the post.",
}

# Every value of `code` in an error, with its status.
ERROR_CODES = {
    "bad_request": (400, "The request is malformed."),
    "invalid_object": (400, "The object does not follow the protocol: `fields` lists every invalid field."),
    "invalid_filter": (400, "A query parameter is invalid or unknown: `fields` lists every invalid parameter."),
    "unknown_parameter": (400, "The path takes no query parameters."),
    "unreadable_body": (400, "The body is empty, not JSON, or damaged."),
    "unauthorized": (401, "There is no API key, or it is unknown, revoked or expired."),
    "forbidden": (403, "The API key lacks the scope."),
    "not_found": (404, "The project of the API key has no such run or thread, or there is no such path."),
    "method_not_allowed": (405, "The path does not support the method."),
    "not_acceptable": (406, "`Accept` allows neither JSON nor YAML."),
    "body_too_slow": (408, "No more of the body arrived for 10 seconds."),
    "body_too_large": (413, "The body is too large."),
    "too_many_objects": (413, f"The body holds more than {MAX_OBJECTS_PER_BODY:,} objects."),
    "unsupported_body": (415, "The content type or the content encoding is not supported."),
    "busy": (503, "More is being posted than can be stored. Retry after the time in `Retry-After`."),
    "query_timeout": (503, "The query took too long. Choose a more selective filter or a shorter time range."),
    "database_unavailable": (503, "The database is unavailable. Retry after the time in `Retry-After`."),
}


@cache
def build_guide() -> str:
    """Return the introduction as Markdown."""
    text = Path(__file__).with_name("guide.md").read_text(encoding="utf-8")
    outcomes = [(f"`{outcome}`", meaning) for outcome, meaning in OUTCOME_DESCRIPTIONS.items()]
    errors = [(f"{status}, `{code}`", meaning) for code, (status, meaning) in ERROR_CODES.items()]
    values = {
        "max_objects": f"{MAX_OBJECTS_PER_BODY:,}",
        "max_counted_runs": f"{MAX_COUNTED_USAGE_RUNS:,}",
        "outcomes": _build_table(("Outcome", "Meaning"), outcomes),
        "errors": _build_table(("Status, `code`", "Meaning"), errors),
        "query_syntax": _build_help_table(("Syntax", "Runs"), SYNTAX_HELP),
        "query_fields": _build_help_table(("Field", "Runs"), build_field_help()),
        "query_values": _build_help_table(("Values", "Meaning"), VALUE_HELP),
        "query_limits": LIMITS_HELP,
    }
    for name, value in values.items():
        text = text.replace(f"{{{{ {name} }}}}", value)
    return text


def _build_help_table(header: tuple[str, str], entries: Sequence[HelpEntry]) -> str:
    rows = [(entry.syntax, entry.meaning, ", ".join(f"`{example}`" for example in entry.examples)) for entry in entries]
    return _build_table((*header, "Examples"), rows)


def _build_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)

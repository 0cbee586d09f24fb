"""The help on the query language, from the registry that parses it: for the page, and for README."""

from __future__ import annotations

from dataclasses import dataclass

from runs.query.fields import QUERY_FIELDS


@dataclass(frozen=True, slots=True)
class HelpEntry:
    """What can be written, what runs it finds, and whole queries."""

    written: str
    finds: str
    examples: tuple[str, ...]


# How terms go together; the examples are tests like those of the fields.
SYNTAX_HELP = (
    HelpEntry(
        "two terms",
        "that both find (`AND` may stand between)",
        ("status:failed model:o3", "status:failed AND model:o3"),
    ),
    HelpEntry("`OR`", "that either finds; `AND` binds closer", ("model:gpt-4o OR model:o3",)),
    HelpEntry(
        "`-` or `NOT`",
        "that the term does not find",
        ("-status:failed", "NOT (status:failed OR status:completed)"),
    ),
    HelpEntry("`( )`", "grouped", ("status:failed (model:o3 OR error:*)",)),
    HelpEntry("`,`", "with any of the values", ("status:failed,incomplete",)),
    HelpEntry(
        "words",
        "with the text in their error message or instructions, at the beginning of their id, or as the whole of a "
        "metadata value, a function's name, a thread or an assistant id",
        ("requests", '"refund policy"', "run_ref", "acme"),
    ),
)


def build_field_help() -> tuple[HelpEntry, ...]:
    """The fields, in the order of the registry."""
    return tuple(
        HelpEntry(f"`{field.name}.KEY:`" if field.keyed else f"`{field.name}:`", field.about, field.examples)
        for field in QUERY_FIELDS
    )


def build_help_markdown() -> str:
    """Both tables as README has them."""
    return "\n".join([*_table("written", SYNTAX_HELP), "", *_table("field", build_field_help())])


def _table(title: str, rows: tuple[HelpEntry, ...]) -> list[str]:
    return [
        f"| {title} | finds runs | examples |",
        "|---|---|---|",
        *(f"| {row.written} | {row.finds} | {', '.join(f'`{each}`' for each in row.examples)} |" for row in rows),
    ]

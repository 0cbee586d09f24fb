"""The help on the query language, from the registry that parses it: for the page, and for README."""

from __future__ import annotations

from dataclasses import dataclass

from runs.query.fields import FIELDS


@dataclass(frozen=True, slots=True)
class Entry:
    """What can be written, what runs it finds, and whole queries."""

    written: str
    finds: str
    examples: tuple[str, ...]


# How terms go together; the examples are tests like those of the fields.
SYNTAX = (
    Entry(
        "two terms",
        "that both find (`AND` may stand between)",
        ("status:failed model:o3", "status:failed AND model:o3"),
    ),
    Entry("`OR`", "that either finds; `AND` binds closer", ("model:gpt-4o OR model:o3",)),
    Entry(
        "`-` or `NOT`",
        "that the term does not find",
        ("-status:failed", "NOT (status:failed OR status:completed)"),
    ),
    Entry("`( )`", "grouped", ("status:failed (model:o3 OR error:*)",)),
    Entry("`,`", "with any of the values", ("status:failed,incomplete",)),
    Entry(
        "words",
        "with the text in their error message or instructions, at the beginning of their id, or as the whole of a "
        "metadata value, a function's name, a thread or an assistant id",
        ("requests", '"refund policy"', "run_ref", "acme"),
    ),
)


def entries() -> tuple[Entry, ...]:
    """The fields, in the order of the registry."""
    return tuple(
        Entry(f"`{field.name}.KEY:`" if field.keyed else f"`{field.name}:`", field.about, field.examples)
        for field in FIELDS
    )


def markdown() -> str:
    """Both tables as README has them."""
    return "\n".join([*_table("written", SYNTAX), "", *_table("field", entries())])


def _table(title: str, rows: tuple[Entry, ...]) -> list[str]:
    return [
        f"| {title} | finds runs | examples |",
        "|---|---|---|",
        *(f"| {row.written} | {row.finds} | {', '.join(f'`{each}`' for each in row.examples)} |" for row in rows),
    ]

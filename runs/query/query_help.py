"""The reference of the query language, generated from the registry of its fields.

Code in the texts stands between backticks. Every example is a whole query, and is tested.
"""

from __future__ import annotations

from dataclasses import dataclass

from runs.models.search_text import MAX_SEARCHED_LENGTH
from runs.query.content_search import MAX_SCANNED_TEXTS
from runs.query.fields import QUERY_FIELDS
from runs.query.grammar import MAX_QUERY_DEPTH, MAX_QUERY_LENGTH, MAX_QUERY_VALUES
from runs.query.value_types import MAX_SEARCH_TEXT_LENGTH


@dataclass(frozen=True, slots=True)
class HelpEntry:
    """One row of the reference: the syntax, its meaning, and example queries."""

    syntax: str
    meaning: str
    examples: tuple[str, ...]


SYNTAX_HELP = (
    HelpEntry(
        "two terms",
        "that match both terms; `AND` between them is optional",
        ("status:failed model:o3", "status:failed AND model:o3"),
    ),
    HelpEntry("`OR`", "that match at least one term; `AND` binds more tightly", ("model:gpt-4o OR model:o3",)),
    HelpEntry(
        "`-` or `NOT`",
        "that do not match the term",
        ("-status:failed", "NOT (status:failed OR status:completed)"),
    ),
    HelpEntry("`( )`", "that match the group", ("status:failed (model:o3 OR error:*)",)),
    HelpEntry("`,`", "with any of the values", ("status:failed,incomplete",)),
    HelpEntry(
        "text without a field",
        "with the text in a message, in the arguments or output of a tool call, in the error message or the "
        "instructions, at the start of the id, or as a whole metadata value, function name, or id of a thread, "
        "assistant, step or call",
        ("requests", '"refund policy"', "run_ref", "acme"),
    ),
)

VALUE_HELP = (
    HelpEntry(
        "exact values",
        'Case-sensitive. Put a value with spaces, parentheses, commas or colons in quotes; inside quotes, write `\\"` '
        "for a quote and `\\\\` for a backslash.",
        ("model:gpt-4o", 'metadata."odd key":"a b"'),
    ),
    HelpEntry(
        "text",
        "Messages, tool calls, error messages and instructions are searched for the text, which may be a part of a "
        f"word, ignoring case. Of each message, argument and output, the first {MAX_SEARCHED_LENGTH:,} characters are "
        "searched. Text without three letters or digits in a row is searched in the newest "
        f"{MAX_SCANNED_TEXTS:,} messages and tool calls only.",
        ("error_message:quota", 'instructions:"refund policy"'),
    ),
    HelpEntry(
        "`*`",
        "In an unquoted value, `*` stands for any text. Alone, it stands for any value, in every field except "
        "`configuration`, which every run has.",
        ("model:gpt-4*", "reason:*", "-model:*"),
    ),
    HelpEntry(
        "numbers",
        "Compare with `>`, `>=`, `<` and `<=`. `k` means thousand, `M` million. A range includes both ends.",
        ("total_tokens:>1000", "prompt_tokens:>=1.5k", "total_tokens:<2M", "total_tokens:100..200"),
    ),
    HelpEntry(
        "durations",
        "Like numbers, with the units `ms`, `s`, `m`, `h` and `d`, such as `500ms`, `30s`, `1.5m`, `1h30m` or `1d`.",
        ("duration:>30s", "duration:1m..2h"),
    ),
    HelpEntry(
        "amounts",
        "Like numbers, in US dollars, with or without `$`.",
        ("cost:>0.001", "cost:$0.0005..$0.001"),
    ),
    HelpEntry(
        "times",
        "A day, which includes all of its hours, or a second, in UTC unless the time names a zone. `-24h` is relative "
        "to now, with the units `s`, `m`, `h`, `d` and `w`: `-24h` means since then, `<-24h` before then.",
        ("created:2026-05-01", "started:>2026-05-01T14:30:00Z", "created:-7d", "created:2026-05-01..2026-05-08"),
    ),
)

LIMITS_HELP = (
    f"A query has at most {MAX_QUERY_LENGTH:,} characters, {MAX_QUERY_VALUES} values and {MAX_QUERY_DEPTH} levels of "
    f"nesting; a text or pattern has at most {MAX_SEARCH_TEXT_LENGTH} characters. An invalid query is rejected with "
    "the column of the error."
)


def build_field_help() -> tuple[HelpEntry, ...]:
    """Return the entries of the fields in the order of the registry."""
    return tuple(
        HelpEntry(f"`{field.name}.KEY:`" if field.has_keys else f"`{field.name}:`", field.help, field.examples)
        for field in QUERY_FIELDS
    )

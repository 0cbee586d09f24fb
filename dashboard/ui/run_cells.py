"""The cells of the columns that readers choose for the run list.

They are built in Python, since a template that looks up each cell in the chosen order takes several times as long.
Everything that was posted goes through `format_html`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import MappingProxyType

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from dashboard.ui import formats
from dashboard.ui.run_columns import ShownColumn
from dashboard.ui.run_rows import BarSegment, RunRow, format_metadata_value

MIN_SPLIT_LENGTH = 16  # characters of a name that is cut in the middle
TAIL_LENGTH = 8
# Attributes of the cell apart from its class, and its content.
CellParts = tuple[SafeString | str, SafeString | str]


def render_cells(row: RunRow, columns: Iterable[ShownColumn]) -> SafeString:
    """Render the cells of `row` in the order of `columns`."""
    return format_html_join("", "{}", ((_render_cell(row, shown),) for shown in columns))


def _render_cell(row: RunRow, shown: ShownColumn) -> SafeString:
    column = shown.column
    key = shown.metadata_key
    attributes, content = _render_metadata_value(row, key) if key else _CELLS[shown.name](row)
    css_class = f"{column.css_class} num" if column.is_number else column.css_class
    # The attribute `width` is what a strict content security policy leaves to set a width that is not in a stylesheet.
    width = format_html(' width="{}"', shown.width) if shown.width else ""
    return format_html('<td role="cell" class="{}"{}{}>{}</td>', css_class, width, attributes, content)


def _with_title(title: str, content: SafeString | str) -> CellParts:
    return format_html(' title="{}"', title), content


def _render_duration(row: RunRow) -> CellParts:
    return "" if row.has_ended else ' title="Since it was created"', row.duration


def _render_source(row: RunRow) -> CellParts:
    return "", row.run.get_source_display()


def _render_assistant(row: RunRow) -> CellParts:
    return _with_title(row.run.assistant_id, row.assistant_name or formats.shorten_id(row.run.assistant_id))


def _render_thread(row: RunRow) -> CellParts:
    return _with_title(row.run.thread_id, formats.shorten_id(row.run.thread_id))


def _render_question(row: RunRow) -> CellParts:
    return _with_title(row.question, row.question or formats.NO_VALUE)


def _render_answer(row: RunRow) -> CellParts:
    return _with_title(row.answer, row.answer or formats.NO_VALUE)


def _render_model(row: RunRow) -> CellParts:
    model = row.run.model or ""
    return _with_title(model, split_in_middle(model) if model else formats.NO_VALUE)


def _render_tools(row: RunRow) -> CellParts:
    if row.tools is None:
        return _with_title("No steps received", formats.NO_VALUE)
    if not row.first_tool:
        return _with_title("", format_html('<span class="dim">{}</span>', "none"))
    more = format_html('<span class="dim">+{}</span>', row.more_tools) if row.more_tools else ""
    return _with_title(row.tools, format_html('<code class="clip">{}</code>{}', row.first_tool, more))


def _render_tokens(row: RunRow) -> CellParts:
    count = format_html('<span title="{}">{}</span>', row.tokens_title, formats.format_tokens(row.run.total_tokens))
    if row.prompt_bar is None or row.completion_bar is None:
        return "", count
    return "", format_html(
        '{}<svg class="prop" aria-hidden="true">{}{}</svg>',
        count,
        _render_bar("a", row.prompt_bar),
        _render_bar("b", row.completion_bar),
    )


def _render_bar(css_class: str, bar: BarSegment) -> SafeString:
    return format_html('<rect class="{}" x="{}" width="{}" height="100%"/>', css_class, bar.start, bar.width)


def _render_cost(row: RunRow) -> CellParts:
    return _with_title(row.cost_title, formats.format_cost(row.run.cost))


def _render_metadata(row: RunRow) -> CellParts:
    return _with_title(row.metadata, row.metadata or formats.NO_VALUE)


def _render_metadata_value(row: RunRow, key: str) -> CellParts:
    metadata = row.run.metadata
    if not isinstance(metadata, dict) or key not in metadata:
        return "", format_html('<span class="dim">{}</span>', formats.NO_VALUE)
    value = format_metadata_value(metadata[key])
    return _with_title(value, split_in_middle(value))


def _render_tags(row: RunRow) -> CellParts:
    tags = format_html_join(" ", '<span class="tag">{}</span>', ((tag,) for tag in row.tags))
    return _with_title(", ".join(row.tags), tags)


def _render_review(row: RunRow) -> CellParts:
    if row.review is None:
        return "", format_html('<span class="dim">{}</span>', formats.NO_VALUE)
    return _with_title(f"Reviewed {formats.format_time_title(row.review.reviewed_at)}", row.review.reviewer)


def split_in_middle(text: str) -> SafeString | str:
    """Render a name of which the stylesheet cuts the middle: names of models differ at their ends."""
    if len(text) < MIN_SPLIT_LENGTH:
        return text
    return format_html(
        '<span class="mid"><span>{}</span><span>{}</span></span>', text[:-TAIL_LENGTH], text[-TAIL_LENGTH:]
    )


_CELLS: MappingProxyType[str, Callable[[RunRow], CellParts]] = MappingProxyType(
    {
        "duration": _render_duration,
        "source": _render_source,
        "assistant": _render_assistant,
        "thread": _render_thread,
        "question": _render_question,
        "answer": _render_answer,
        "model": _render_model,
        "tools": _render_tools,
        "tokens": _render_tokens,
        "cost": _render_cost,
        "metadata": _render_metadata,
        "tags": _render_tags,
        "reviewed": _render_review,
    }
)

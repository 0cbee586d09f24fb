"""Template tags of charts, loaded with `{% load charts %}`.

The cells of tables are built in Python, since a template would render hundreds of them too slowly.
"""

from __future__ import annotations

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from dashboard.ui.charts.stacked import ChartCell, ChartTableRow

register = template.Library()


@register.simple_tag
def chart_cells(row: ChartTableRow) -> SafeString:
    """Render a cell for each series and one for the total, each linked to its runs."""
    return format_html_join("", "{}", ((_render_cell(cell),) for cell in (*row.cells, row.total)))


def _render_cell(cell: ChartCell) -> SafeString:
    if not cell.url:
        return format_html('<td class="num">{}</td>', cell.text)
    return format_html('<td class="num"><a href="{}">{}</a></td>', cell.url, cell.text)

"""`{% load charts %}`: the cells of a picture's table, of which there are hundreds: a template would take its time."""

from __future__ import annotations

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from dashboard.ui.charts.stacked import ChartCell, ChartTableRow

register = template.Library()


@register.simple_tag
def cells(row: ChartTableRow) -> SafeString:
    """A number for each series and one for all of them, each leading to what is behind it."""
    return format_html_join("", "{}", ((_cell(each),) for each in (*row.cells, row.total)))


def _cell(number: ChartCell) -> SafeString:
    if not number.url:
        return format_html('<td class="num">{}</td>', number.text)
    return format_html('<td class="num"><a href="{}">{}</a></td>', number.url, number.text)

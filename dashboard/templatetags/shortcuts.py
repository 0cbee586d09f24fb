"""`{% load shortcuts %}`: the attributes of elements that keys activate, and the help that lists the keys."""

from __future__ import annotations

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from dashboard.web.shortcuts import KEYS_BY_NAME, SHORTCUT_GROUPS, Shortcut

register = template.Library()


@register.simple_tag
def shortcut(name: str) -> SafeString:
    """Render the attributes of the element that the shortcut `name` activates. Raises KeyError if there is none."""
    return shortcut_attributes(KEYS_BY_NAME[name])


def shortcut_attributes(key: str) -> SafeString:
    """Return the attributes. ARIA knows keys and combinations, but no sequences."""
    aria = format_html(' aria-keyshortcuts="{}"', f"Shift+{key}" if key.isupper() else key) if len(key) == 1 else ""
    return format_html('data-key="{}"{}', key, aria)


@register.simple_tag
def shortcut_groups() -> list[tuple[str, list[Shortcut]]]:
    """Return all shortcuts by the heading that they are listed under."""
    return SHORTCUT_GROUPS

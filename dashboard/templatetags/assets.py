"""`{% load assets %}`: links to stylesheets and JavaScript modules."""

from __future__ import annotations

from django import template
from django.contrib.staticfiles.storage import staticfiles_storage
from django.templatetags.static import static
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from dashboard.web.assets import JOINED_STYLESHEET, STYLESHEETS, find_modules

register = template.Library()


@register.simple_tag
def stylesheets() -> SafeString:
    """Link the stylesheets: one file if static files were collected, else their sources."""
    is_joined = JOINED_STYLESHEET in getattr(staticfiles_storage, "hashed_files", ())
    names = (JOINED_STYLESHEET,) if is_joined else STYLESHEETS
    return format_html_join("\n", '<link rel="stylesheet" href="{}">', ((static(name),) for name in names))


@register.simple_tag
def module_preloads(*names: str) -> SafeString:
    """Let the browser load modules, and those that they import, before it has read the first of them."""
    modules = dict.fromkeys(module for name in names for module in find_modules(name))
    return format_html_join("\n", '<link rel="modulepreload" href="{}">', ((static(name),) for name in modules))

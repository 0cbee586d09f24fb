"""`{% load errors %}`: words of `dashboard.error_groups`."""

from __future__ import annotations

from django import template

from dashboard.error_groups.rows import silence

register = template.Library()

register.filter(silence)

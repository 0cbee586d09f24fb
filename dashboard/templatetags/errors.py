"""`{% load errors %}`: words of `dashboard.pages.errors`."""

from __future__ import annotations

from django import template

from dashboard.pages.errors.rows import silence

register = template.Library()

register.filter(silence)

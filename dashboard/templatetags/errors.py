"""`{% load errors %}`: words of `dashboard.pages.errors`."""

from __future__ import annotations

from django import template

from dashboard.pages.errors.rows import describe_missing_message

register = template.Library()

register.filter(describe_missing_message)

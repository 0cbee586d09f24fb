"""The creation of API keys by users, which the audit log records."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django.http import HttpRequest

from dashboard.web.audit import record_event
from runs.models import AuditEvent, Project
from runs.team import api_keys


def create_audited_key(
    request: HttpRequest,
    project: Project,
    name: str,
    scopes: Sequence[str],
    lifetime: timedelta | None = None,
    *,
    description: str = "",
    query: str = "",
) -> str:
    """Create an API key, record who did so, and return its secret, which can't be read again.

    Raises:
        InvalidFilter: The query is invalid.
        InvalidKeyScopes: A key with a query has another scope than `read`.
    """
    secret = api_keys.create_api_key(project, name, scopes, lifetime, description=description, query=query)
    permissions = ", ".join(scopes) + (f", expires in {lifetime.days} days" if lifetime else "")
    permissions += f", only runs that match {query}" if query else ""
    record_event(request, project, f"created the API key {name} ({permissions})", AuditEvent.Category.API_KEY)
    return secret

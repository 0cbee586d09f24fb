"""Health checks for supervisors and load balancers."""

# ruff: noqa: ARG001 - Django defines the signatures

from __future__ import annotations

from django.db import DatabaseError, InterfaceError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe


@require_safe
@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    """Return 200 while the process responds at all."""
    return JsonResponse({"status": "ok"})


@require_safe
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """Return 200 if the database is available and has all migrations, else 503 with the reason."""
    try:
        executor = MigrationExecutor(connection)
        pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except (DatabaseError, InterfaceError):
        return _not_ready_response("the database is not available")
    if pending:
        return _not_ready_response(f"{len(pending)} migrations are not applied")
    return JsonResponse({"status": "ready"})


def _not_ready_response(reason: str) -> JsonResponse:
    return JsonResponse({"status": "unready", "reason": reason}, status=503, headers={"Retry-After": "5"})

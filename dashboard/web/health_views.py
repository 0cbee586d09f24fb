"""What a supervisor or load balancer asks: is the process alive, can it serve?"""

# ruff: noqa: ARG001 - the signatures are Django's

from __future__ import annotations

from django.db import DatabaseError, InterfaceError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe


@require_safe
@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    """200 while the process answers at all."""
    return JsonResponse({"status": "ok"})


@require_safe
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """200 while the database can be reached and has every migration, else 503 with the reason."""
    try:
        executor = MigrationExecutor(connection)
        pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except (DatabaseError, InterfaceError):
        return _not_ready_response("the database can't be reached")
    if pending:
        return _not_ready_response(f"{len(pending)} migrations are not applied")
    return JsonResponse({"status": "ready"})


def _not_ready_response(reason: str) -> JsonResponse:
    return JsonResponse({"status": "unready", "reason": reason}, status=503, headers={"Retry-After": "5"})

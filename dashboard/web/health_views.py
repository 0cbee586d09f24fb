"""Health checks for supervisors and load balancers, which may send any Host."""

# ruff: noqa: ARG001 - Django defines the signatures

from __future__ import annotations

from collections.abc import Callable

from django.db import DatabaseError, InterfaceError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.cache import add_never_cache_headers
from django.utils.deprecation import MiddlewareMixin
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from runs import __version__
from runs.db.disk_space import has_disk_space
from runs.db.migration_state import find_unknown_migrations
from runs.models import Run

READINESS_PATH = "/readyz"
# The default, since this transaction may be read-only by itself.
_WRITABLE_QUERY = """
    SELECT pg_is_in_recovery(), current_setting('default_transaction_read_only')::boolean,
           has_table_privilege(%s, 'INSERT')"""


@require_safe
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """Return 200 while the process responds at all."""
    return JsonResponse({"status": "ok", "version": __version__})


@require_safe
@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    """Return 200 if posts are accepted, else 503 with the reason."""
    try:
        reason = find_migration_problem() or _find_write_problem()
    except (DatabaseError, InterfaceError):
        reason = "the database is not available"
    return not_ready_response(reason) if reason else JsonResponse({"status": "ready"})


HEALTH_CHECKS: dict[str, Callable[[HttpRequest], HttpResponse]] = {"/healthz": healthz, READINESS_PATH: readyz}


class HealthCheckMiddleware(MiddlewareMixin):
    """Answers health checks before any other middleware, which would reject an unknown Host or need a session."""

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        """Return the response to a health check; None for other requests, which go on."""
        view = HEALTH_CHECKS.get(request.path_info)
        return None if view is None else view(request)


def not_ready_response(reason: str) -> HttpResponse:
    """Return a response with 503 that says why the site is not ready."""
    response = JsonResponse({"status": "unready", "reason": reason}, status=503, headers={"Retry-After": "5"})
    add_never_cache_headers(response)
    return response


def find_migration_problem() -> str | None:
    """Return what is wrong with the migrations of the database; None if they are those of this version."""
    executor = MigrationExecutor(connection)
    if pending := executor.migration_plan(executor.loader.graph.leaf_nodes()):
        return f"{len(pending)} migrations are not applied"
    if find_unknown_migrations(executor.loader):
        return "a newer version of Runglass has migrated the database"
    return None


def _find_write_problem() -> str | None:
    with connection.cursor() as cursor:
        cursor.execute(_WRITABLE_QUERY, [Run._meta.db_table])
        is_standby, is_read_only, may_insert = cursor.fetchone()
    if is_standby or is_read_only:
        return "the database is read-only"
    if not may_insert:
        return "the role of the database connection may not write"
    return None if has_disk_space() else "the disk of the database is full"

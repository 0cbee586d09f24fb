"""What has to be up to date before pages can be served: the database's tables and the static files."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.core.management.commands import migrate
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

# what no page of ours asks for: compressing it takes seconds, and some of it names files that don't exist
UNUSED_STATIC_FILES = [
    "django_htmx/ext/*",
    "django_htmx/htmx-4*",
    "django_htmx/htmax-4*",
    "drf_spectacular_sidecar/redoc/*",
    "drf_spectacular_sidecar/swagger-ui-dist/*.js.map",
    "drf_spectacular_sidecar/swagger-ui-dist/*preset*",
    "drf_spectacular_sidecar/swagger-ui-dist/*.png",
    "drf_spectacular_sidecar/swagger-ui-dist/oauth2*",
    "rest_framework/*",
]


def count_pending_migrations() -> int:
    """How many migrations the database lacks."""
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def apply_migrations(pending: int, tell: Callable[[int, int], None]) -> None:
    """Bring the database up to date, telling (done, pending) after each migration."""

    class Migrate(migrate.Command):
        done = 0

        def migration_progress_callback(self, action: str, *_: object, **__: object) -> None:
            if action == "apply_success":
                self.done += 1
                tell(self.done, pending)

    call_command(Migrate(), interactive=False, verbosity=0, skip_checks=True)


def are_static_files_outdated() -> bool:
    """Whether the static files differ from what was collected last."""
    note = _fingerprint_path()
    return not note.exists() or note.read_text() != _compute_fingerprint()


def collect_static_files() -> None:
    """Collect, hash and compress every static file into STATIC_ROOT."""
    _fingerprint_path().unlink(missing_ok=True)
    Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)
    call_command(
        "collectstatic",
        interactive=False,
        clear=True,
        verbosity=0,
        ignore_patterns=UNUSED_STATIC_FILES,
        skip_checks=True,
    )
    _fingerprint_path().write_text(_compute_fingerprint())


def _fingerprint_path() -> Path:
    return Path(settings.STATIC_ROOT).with_suffix(".fingerprint")


def _compute_fingerprint() -> str:
    """Changes whenever a static file, or how it is stored, does."""
    digest = hashlib.sha256(settings.STORAGES["staticfiles"]["BACKEND"].encode())
    for app in apps.get_app_configs():
        digest.update(app.name.encode())
    for finder in get_finders():
        for name, storage in finder.list([]):
            found = Path(storage.path(name)).stat()
            digest.update(f"{name}\0{found.st_size}\0{found.st_mtime_ns}\0".encode(errors="surrogateescape"))
    return digest.hexdigest()

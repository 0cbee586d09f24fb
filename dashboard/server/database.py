"""Django's DATABASES: the server that DATABASE_URL names, else the embedded one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

MIN_POSTGRES_VERSION = 15
EMBEDDED_ENGINE = "dashboard.server.postgres.backend"

# Each worker has a fixed, small number of threads, so a connection for each is cheaper than a pool: kept
# open, checked once a request, and made again by the thread that finds it broken. Statements are never
# prepared on the server (Django's default), whose generic plans are a hundred times slower on our lists.
PERSISTENT_CONNECTIONS: dict[str, Any] = {"CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": True}
CONNECT_TIMEOUT_SECONDS = 5


def build_databases(url: str, data_dir: Path) -> dict[str, dict[str, Any]]:
    """DATABASES for `url`, or for the embedded server of `data_dir` where it is empty.

    Raises ImproperlyConfigured, which never shows the password, for anything but a Postgres address.
    """
    if not url:
        embedded = {"ENGINE": EMBEDDED_ENGINE, "NAME": "runglass", "DATA_DIR": data_dir}
        return {"default": {**embedded, **PERSISTENT_CONNECTIONS}}
    config: dict[str, Any] = {**_parse_database_url(url), **PERSISTENT_CONNECTIONS}
    config["OPTIONS"] = {"connect_timeout": CONNECT_TIMEOUT_SECONDS, **config.get("OPTIONS", {})}
    return {"default": config}


def _parse_database_url(url: str) -> dict[str, Any]:
    expected = "it must look like postgresql://USER:PASSWORD@HOST:5432/NAME"
    try:
        config = dj_database_url.parse(url)
    except ValueError as error:
        raise ImproperlyConfigured(f"DATABASE_URL can't be read; {expected}") from error
    if config["ENGINE"] != "django.db.backends.postgresql":
        raise ImproperlyConfigured(f"DATABASE_URL isn't that of a Postgres database; {expected}")
    if not config.get("NAME"):
        raise ImproperlyConfigured(f"DATABASE_URL names no database; {expected}")
    return dict(config)

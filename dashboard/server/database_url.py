"""DATABASE_URL: parsed, or refused with a sentence that names the part that is wrong. Never with the password."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import dj_database_url
from django.core.exceptions import ImproperlyConfigured
from psycopg import pq

EXPECTED = "expected postgresql://USER:PASSWORD@HOST:5432/NAME"
SCHEMES = ("postgresql", "postgres")
RESERVED_CHARACTERS = ", ".join(f"{character} as %{ord(character):02X}" for character in "%@:/?#[]")
# Options whose values libpq only checks while it connects.
OPTION_VALUES = {
    "sslmode": ("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
    "channel_binding": ("disable", "prefer", "require"),
    "gssencmode": ("disable", "prefer", "require"),
    "target_session_attrs": ("any", "read-write", "read-only", "primary", "standby", "prefer-standby"),
}
NUMERIC_OPTIONS = ("connect_timeout", "keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count")
# What other products accept in the same place.
OPTION_HINTS = {
    "schema": "to use a schema, give the role a search_path: ALTER ROLE … SET search_path = …",
    "currentSchema": "to use a schema, give the role a search_path: ALTER ROLE … SET search_path = …",
    "pgbouncer": "poolers are detected",
    "ssl": "write sslmode=require",
}


def parse_database_url(url: str) -> dict[str, Any]:
    """Return the entries of Django's DATABASES for `url`. Raises ImproperlyConfigured."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        raise ImproperlyConfigured(f"DATABASE_URL is not a URL; {EXPECTED}")
    if scheme.split("+")[0] not in SCHEMES:
        raise ImproperlyConfigured(f"DATABASE_URL begins with {scheme}://, which is not a Postgres URL; {EXPECTED}")
    if "+" in scheme:
        raise ImproperlyConfigured(f"DATABASE_URL begins with {scheme}://: write postgresql://; {EXPECTED}")
    _reject_reserved_characters(url, rest)
    _reject_invalid_port(url)
    _reject_unknown_options(url)
    try:
        config = dict(dj_database_url.parse(url))
    except ValueError as error:
        raise ImproperlyConfigured(f"DATABASE_URL is not a valid URL; {EXPECTED}") from error
    if not config.get("NAME"):
        raise ImproperlyConfigured(f"DATABASE_URL has no database name; {EXPECTED}")
    return config


def _reject_reserved_characters(url: str, rest: str) -> None:
    """Reject URLs in which a raw character of the password, or of the user name, ends that part too early."""
    try:
        parts = urlsplit(url)
    except ValueError:  # square brackets
        is_cut = True
    else:
        is_cut = parts.netloc.count("@") != rest.count("@") or parts.netloc.count("@") > 1 or bool(parts.fragment)
        is_cut |= parts.netloc.rpartition("@")[0].count(":") > 1
        is_cut |= re.search("%(?![0-9A-Fa-f]{2})", parts.netloc + parts.path) is not None
    if is_cut:
        raise ImproperlyConfigured(
            "DATABASE_URL contains a character that ends the password or the user name too early: percent-encode it "
            f"there ({RESERVED_CHARACTERS}); {EXPECTED}"
        )


def _reject_invalid_port(url: str) -> None:
    try:
        _ = urlsplit(url).port
    except ValueError as error:
        raise ImproperlyConfigured(
            f"DATABASE_URL has an invalid port: expected a number up to 65535, or the password contains a raw `:` or "
            f"`/` (write %3A or %2F); {EXPECTED}"
        ) from error


def _reject_unknown_options(url: str) -> None:
    known = {option.keyword.decode() for option in pq.Conninfo.get_defaults()}
    for name, value in parse_qsl(urlsplit(url).query, keep_blank_values=True):
        if name not in known:
            hint = OPTION_HINTS.get(name, "options are the parameters of libpq, such as sslmode")
            raise ImproperlyConfigured(
                f"DATABASE_URL has the option {name}, which Postgres does not know: remove it ({hint})"
            )
        if name in OPTION_VALUES and value not in OPTION_VALUES[name]:
            raise ImproperlyConfigured(
                f"DATABASE_URL has {name}={value}: expected one of {', '.join(OPTION_VALUES[name])}"
            )
        if name in NUMERIC_OPTIONS and not value.isdecimal():
            raise ImproperlyConfigured(f"DATABASE_URL has {name}={value}: expected a whole number")

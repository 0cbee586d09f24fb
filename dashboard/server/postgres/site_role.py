"""The role that the site and the commands use: it owns the database and its tables, and is no superuser.

So what a request makes the database do ends at this database: no files, no programs, no other roles. The superuser only
does what is here. Clusters of earlier versions, where the site was the superuser, are switched over.
"""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

SITE_ROLE = "runglass_site"

# Objects that somebody created, but no extension, and that have no owner by another object: as a sequence of a column.
_OWNED_BY_SUPERUSER = """
SELECT CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END,
       oid::regclass::text
FROM pg_class WHERE relowner = 10 AND relkind IN ('r', 'p', 'v', 'm', 'S') AND oid >= 16384
    AND relnamespace <> 'pg_toast'::regnamespace AND NOT EXISTS (
        SELECT FROM pg_depend
        WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid AND deptype IN ('e', 'a', 'i')
    )
UNION ALL
SELECT 'ROUTINE', oid::regprocedure::text
FROM pg_proc WHERE proowner = 10 AND oid >= 16384 AND NOT EXISTS (
    SELECT FROM pg_depend WHERE classid = 'pg_proc'::regclass AND objid = pg_proc.oid AND deptype = 'e'
)
UNION ALL
SELECT 'STATISTICS', format('%I.%I', stxnamespace::regnamespace::text, stxname)
FROM pg_statistic_ext WHERE stxowner = 10
"""


def create_site_role(superuser: psycopg.Connection[Any], password: str) -> None:
    """Create the role if there is none, and give it `password`, which the server only gets as a hash."""
    name = sql.Identifier(SITE_ROLE)
    if not superuser.execute("SELECT FROM pg_roles WHERE rolname = %s", [SITE_ROLE]).rowcount:
        superuser.execute(sql.SQL("CREATE ROLE {} LOGIN").format(name))
    verifier = superuser.pgconn.encrypt_password(password.encode(), SITE_ROLE.encode(), b"scram-sha-256").decode()
    superuser.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(name, sql.Literal(verifier)))


def owns_database(superuser: psycopg.Connection[Any], database: str) -> bool | None:
    """Return whether the role owns `database`; None if there is no such database."""
    owner = superuser.execute(
        "SELECT pg_get_userbyid(datdba) = %s FROM pg_database WHERE datname = %s", [SITE_ROLE, database]
    ).fetchone()
    return None if owner is None else bool(owner[0])


def create_database(superuser: psycopg.Connection[Any], database: str) -> None:
    """Create `database`, which the role owns."""
    statement = sql.SQL("CREATE DATABASE {} OWNER {}")
    superuser.execute(statement.format(sql.Identifier(database), sql.Identifier(SITE_ROLE)))


def take_over_database(superuser: psycopg.Connection[Any], database: str) -> None:
    """Make the role the owner of `database`, to which `superuser` is connected, and of all that is in it, or of none.

    The superuser of initdb (its oid is 10) owns it until now.
    """
    role = sql.Identifier(SITE_ROLE)
    with superuser.transaction():
        for kind, name in superuser.execute(_OWNED_BY_SUPERUSER).fetchall():
            superuser.execute(sql.SQL("ALTER {} {} OWNER TO {}").format(sql.SQL(kind), sql.SQL(name), role))
        superuser.execute(sql.SQL("ALTER DATABASE {} OWNER TO {}").format(sql.Identifier(database), role))

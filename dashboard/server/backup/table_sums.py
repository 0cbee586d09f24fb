"""The content of tables in numbers, by which a restored database is compared with the one that was backed up."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from psycopg import sql

from dashboard.server.backup.connections import DatabaseSession
from dashboard.server.backup.manifest import TableSum

ReportProgress = Callable[[int, int | None, str], None]  # what is done, the total if it is known, and details

# The schema of the search path that new tables come into, and that Django finds its tables in.
CURRENT_SCHEMA = "SELECT current_schema()"
_TABLES = """
    SELECT relname FROM pg_class
    WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
    ORDER BY relname"""
# `hashtextextended` is the same on all platforms and in all versions, since partitions depend on it. Sums of it do not
# depend on the order of rows.
_SUM = sql.SQL("SELECT count(*), coalesce(sum(hashtextextended(whole_row::text, 0)), 0)::text FROM {} AS whole_row")


def list_tables(session: DatabaseSession) -> list[str]:
    """Return the names of the tables in the schema of the session, sorted."""
    return [name for (name,) in session.execute(_TABLES).fetchall()]


def compute_table_sums(
    session: DatabaseSession, tables: list[str], report_progress: ReportProgress
) -> Mapping[str, TableSum]:
    """Return the sums of `tables`, for which every row is read. The progress is in rows."""
    sums: dict[str, TableSum] = {}
    for table in tables:
        report_progress(sum(each.rows for each in sums.values()), None, table)
        row = session.execute(_SUM.format(sql.Identifier(table))).fetchone()
        sums[table] = TableSum(*row) if row else TableSum(0, "0")
    return sums

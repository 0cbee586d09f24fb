"""Migrations must not stop a node of an older version that serves the same database meanwhile.

The rule reads the SQL, since locks are a matter of Postgres: a statement that reads or rewrites a whole table, or makes
inserts of older code fail, is refused. django-migration-linter checks the latter, but not which locks are held. To
change a table with rows: expand (add nullable columns or columns with `db_default`, build indexes with
`AddIndexConcurrently`, add constraints NOT VALID), release, and contract in a later release.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from unittest.mock import patch

import pytest
from django.db import connection, migrations
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader

# Earlier migrations were made before the first release: no database with data has an older version beside it.
FIRST_CHECKED = "0013"
RULES = {
    r"CREATE (UNIQUE )?INDEX (?!CONCURRENTLY)": "locks the table for writes: use AddIndexConcurrently, atomic = False",
    r"ALTER COLUMN .* TYPE ": "may rewrite the table: add a column of the new type",
    r"SET NOT NULL": "reads the whole table, and older code may insert NULL: add a NOT VALID check first",
    r"ADD COLUMN (?!.* (DEFAULT|NULL)\b)|ADD COLUMN (?!.*DEFAULT).* NOT NULL": "fails for rows: use db_default",
    r"ALTER COLUMN .* DROP DEFAULT": "makes inserts of older code fail: use db_default instead of default",
    r"ADD CONSTRAINT (?!.*NOT VALID)": "reads the whole table under a lock: add it NOT VALID, validate it later",
    r"DROP COLUMN|DROP TABLE|RENAME": "older code still uses it: remove it one release after the code",
}
TABLE = re.compile(r'(?:ALTER TABLE|INDEX .*? ON|CREATE TABLE|DROP TABLE)(?: IF EXISTS)? "?(\w+)"?')


def find_problems(statements: list[str]) -> Iterator[str]:
    """Yield what is wrong with the statements of one migration. Tables that it creates have no rows yet."""
    new_tables = {match[1] for text in statements if (match := re.match(r'CREATE TABLE "?(\w+)"?', text))}
    for text in statements:
        table = TABLE.search(text)
        if table and table[1] not in new_tables:
            for pattern, advice in RULES.items():
                if re.search(pattern, text):
                    yield f"{text}: {advice}"


@pytest.mark.django_db
def test_no_migration_locks_a_table_with_rows() -> None:
    loader = MigrationExecutor(connection).loader
    checked = [key for key in loader.graph.nodes if key[0] == "runs" and key[1] >= FIRST_CHECKED]
    problems = {name: list(find_problems(_collect_sql(loader, name))) for _, name in checked}
    assert {name: found for name, found in problems.items() if found} == {}


def test_code_that_runs_in_migrations_is_marked() -> None:
    """The rule can't judge RunPython and RunSQL: the docstring of the module says why it is safe beside older code."""
    loader = MigrationLoader(None)
    unmarked = [
        f"{name}: {type(operation).__name__}"
        for (app, name), migration in loader.disk_migrations.items()
        if app == "runs" and name >= FIRST_CHECKED
        for operation in migration.operations
        if isinstance(operation, migrations.RunPython | migrations.RunSQL)
        and "safe beside older code" not in (import_module(migration.__module__).__doc__ or "").lower()
    ]
    assert unmarked == []


def _collect_sql(loader: MigrationLoader, name: str) -> list[str]:
    migration = loader.graph.nodes["runs", name]
    # nothing is executed, so that the transaction of the test does not stand in the way
    with patch.object(connection, "in_atomic_block", connection.in_atomic_block and migration.atomic):
        statements = loader.collect_sql([(migration, False)])
    return [text for text in statements if not text.startswith("--")]


@pytest.mark.parametrize(
    ("statement", "is_problem"),
    [
        ('CREATE INDEX "i" ON "run" ("status");', True),
        ('CREATE INDEX CONCURRENTLY "i" ON "run" ("status");', False),
        ('ALTER TABLE "run" ADD COLUMN "n" integer NULL;', False),
        ('ALTER TABLE "run" ADD COLUMN "n" integer DEFAULT 0 NOT NULL;', False),
        ('ALTER TABLE "run" ADD COLUMN "n" integer NOT NULL;', True),
        ('ALTER TABLE "run" ALTER COLUMN "n" DROP DEFAULT;', True),
        ('ALTER TABLE "run" ALTER COLUMN "n" TYPE bigint USING "n"::bigint;', True),
        ('ALTER TABLE "run" ALTER COLUMN "n" SET NOT NULL;', True),
        ('ALTER TABLE "run" ADD CONSTRAINT "c" CHECK ("n" > 0);', True),
        ('ALTER TABLE "run" ADD CONSTRAINT "c" CHECK ("n" > 0) NOT VALID;', False),
        ('ALTER TABLE "run" DROP COLUMN "n" CASCADE;', True),
        ('ALTER TABLE "run" RENAME COLUMN "n" TO "m";', True),
        ('DROP TABLE "run" CASCADE;', True),
    ],
)
def test_statement_is_judged(statement: str, is_problem: bool) -> None:
    assert bool(list(find_problems([statement]))) is is_problem
    new_table = 'CREATE TABLE "run" ("id" bigint NOT NULL);'
    assert list(find_problems([new_table, statement])) == []

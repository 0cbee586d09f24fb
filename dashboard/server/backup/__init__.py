"""Backup and restore of the whole database, and scheduled backups.

A backup is one tar archive: `manifest.json`, on request the secret key, the dump that `pg_dump` writes in its custom
format, cut into pieces so that it can be streamed, and at last a checksum of everything before. Manifest and dump
describe one snapshot of the database. Nothing here uses Django's connection, so that any server can be backed up.

From the bottom up: `errors`, `archive` (the file format), `manifest`, `output_files` (written completely or not at
all), `connections`, `postgres_tools` (pg_dump and others), `table_sums`, `creation`, `verification`, `restoration`
(into an empty database), `recording`, `schedule`.
"""

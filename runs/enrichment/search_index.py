"""The index of searched texts, to which the maintenance process adds new rows.

Measured with the texts of the demo generator (350 characters of messages, arguments and outputs a run): adding them to
an index over trigrams takes 150 µs a run, over the words of a tsvector 95 µs, where storing a run with its steps and
messages takes 800 µs. Trigrams find any part of a word, ids and Chinese or Japanese texts, which a tsvector does not.
So the index has trigrams, and is filled after the post: the rows of a run are written without it, which takes 140 µs of
CPU of Python and Postgres together, the newest rows that it lacks are scanned by each search, and this module adds them
in batches, with rests in between.
"""

from __future__ import annotations

import time

from django.db import connection

from runs.models import Project

# Rows of a batch, which takes about 50 ms.
INDEX_BATCH_SIZE = 1000
# After a batch, the rest is this many times as long, so that a long import is slowed down by less than a tenth.
REST_FACTOR, MAX_REST_SECONDS = 4.0, 1.0

_ADD = """
    UPDATE search_text SET is_indexed = true WHERE id IN (
        SELECT id FROM search_text WHERE project_id = %s AND NOT is_indexed
         ORDER BY created_at LIMIT %s FOR UPDATE SKIP LOCKED)"""
# Until this, every search reads the list of pending entries from its beginning to its end.
_MERGE_PENDING = "SELECT gin_clean_pending_list(to_regclass('search_text_content'))"


def index_search_texts(project: Project, *, rest_factor: float = REST_FACTOR) -> bool:
    """Add the next batch of rows to the index, and return whether there is more.

    After a full batch, rest `rest_factor` times as long as it took.
    """
    started = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute(_ADD, [project.pk, INDEX_BATCH_SIZE])
        has_more: bool = cursor.rowcount == INDEX_BATCH_SIZE
        if cursor.rowcount and not has_more:
            cursor.execute(_MERGE_PENDING)
    if has_more:
        time.sleep(min(rest_factor * (time.monotonic() - started), MAX_REST_SECONDS))
    return has_more

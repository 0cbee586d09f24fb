"""The limit of the requests that are made with the API keys of a project."""

from __future__ import annotations

from runs.db import sql
from runs.models import Project

MAX_REQUESTS_PER_MINUTE = 1_000_000

# Both times are of the database, so that all processes and nodes count the same minutes.
_COUNT = """
    INSERT INTO request_count AS counted (project_id, minute, requests)
    VALUES (%s, date_trunc('minute', statement_timestamp()), 1)
        ON CONFLICT (project_id) DO UPDATE
       SET requests = CASE WHEN counted.minute = EXCLUDED.minute THEN counted.requests + 1 ELSE 1 END,
           minute = EXCLUDED.minute
 RETURNING requests, ceil(60 - extract(second FROM statement_timestamp()))::integer"""


def count_project_request(project: Project) -> int:
    """Count a request of `project`; return 0, or the seconds until the next one if it is beyond the limit.

    Nothing is counted for projects without a limit.
    """
    if project.max_requests_per_minute is None:
        return 0
    with sql.open_cursor() as cursor:
        requests, seconds_left = cursor.execute(_COUNT, [project.pk], prepare=True).fetchone() or (0, 0)
    return max(1, seconds_left) if requests > project.max_requests_per_minute else 0

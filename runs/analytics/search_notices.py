"""The limits of a search of messages and tool calls, in sentences for the person who searches."""

from __future__ import annotations

from runs.enrichment.search_backfill import measure_search_backfill
from runs.models import Project
from runs.models.search_text import MAX_SEARCHED_LENGTH
from runs.query.ast import QueryNode, iterate_leaves
from runs.query.content_search import MAX_SCANNED_TEXTS, count_pending_texts
from runs.query.content_terms import list_content_matches

SEARCHED_LENGTH_NOTICE = (
    f"Of each message, argument and output, the first {MAX_SEARCHED_LENGTH:,} characters are searched."
)


def fetch_search_notices(project: Project, tree: QueryNode | None, *, has_matches: bool) -> list[str]:
    """Return what the content search of a query leaves out; one query, none if it does not search content.

    Up to which length texts are searched matters if nothing was found.
    """
    leaves = iterate_leaves(tree) if tree else ()
    matches = [match for leaf in leaves for match in list_content_matches(leaf)]
    if not matches:
        return []
    notices = []
    percentage = measure_search_backfill(project)
    if percentage is not None:
        notices.append(f"Older messages and tool calls are being made searchable: {percentage} % are.")
    if pending := count_pending_texts(project):
        notices.append(f"The last {pending:,} received messages and tool calls are not searchable yet.")
    if not all(match.is_indexed for match in matches):
        notices.append(
            "Text without three letters or digits in a row is searched in the newest "
            f"{MAX_SCANNED_TEXTS:,} messages and tool calls only."
        )
    if not has_matches:
        notices.append(SEARCHED_LENGTH_NOTICE)
    return notices

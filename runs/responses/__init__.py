"""Responses: their storing, joining into turns, and the runs that are derived of turns.

A post passes these modules in order: `parsing` reads the objects, `storage` writes them in one transaction, in which
`threads` finds the far ends of their chains, `turns` the turns that they change, and `turn_run` derives a run of each.
`item_pages` stores downloaded lists of items, and `conversations` the objects that some of them belong to.
"""

from runs.responses.agent_key import change_agent_metadata_key, rederive_next_turns
from runs.responses.conversations import ingest_conversations, read_conversation_id, store_conversations
from runs.responses.ingest import ingest_any, ingest_responses
from runs.responses.item_pages import parse_item_page, store_conversation_items, store_input_items

__all__ = [
    "change_agent_metadata_key",
    "ingest_any",
    "ingest_conversations",
    "ingest_responses",
    "parse_item_page",
    "read_conversation_id",
    "rederive_next_turns",
    "store_conversation_items",
    "store_conversations",
    "store_input_items",
]

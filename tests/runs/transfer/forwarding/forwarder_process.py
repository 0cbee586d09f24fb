"""A forwarder in a process of its own, as in the product. It shares no connection with the test."""

from __future__ import annotations

from typing import Any

import django


def forward_until_killed(url: str, database: dict[str, Any], max_items_per_page: int) -> None:
    """Send what waits for a target, with the connection settings of the test."""
    django.setup()
    from django.db import connection

    from runs.transfer.forwarding import pages
    from runs.transfer.forwarding.targets import parse_forward_targets
    from runs.transfer.forwarding.worker import Forwarder

    connection.settings_dict.update(database)
    pages.MAX_ITEMS_PER_PAGE = max_items_per_page
    (target,) = parse_forward_targets(url, "")
    forwarder = Forwarder(target)
    while True:
        forwarder.step()

"""One user's heavy questions leave the pages of others fast."""

from __future__ import annotations

import http.client
import statistics
import threading
import time
from collections import Counter
from contextlib import suppress

from tests.faults.loading import batches, snapshots
from tests.faults.site import Site, bearer

FACTOR = 10  # between the 95th percentiles of a page, beside heavy reads and without them
ENOUGH = 1.5  # seconds, which are fine in any case
CONNECTIONS, SECONDS, KEYS = 24, 6.0, 4
# Texts that nothing contains: every run is read.
HEAVY = ("/api/v1/runs?q=error%3A%22no+such+text%22+OR+instructions%3A%22none%22", "/api/v1/usage")


def test_heavy_reads_leave_pages_fast(site: Site) -> None:
    keys = [site.project("heavy"), *(site.project("heavy") for _ in range(KEYS - 1))]
    for batch in batches(snapshots(1500), 500):
        assert site.post(batch, keys[0]).status == 200
    for _ in range(4):  # signs in, and lets each worker load its templates
        site.page()
    idle = [_read_page(site) for _ in range(20)]
    statuses: Counter[int] = Counter()
    ends = time.monotonic() + SECONDS
    readers = [
        threading.Thread(target=_read, args=(site, keys[n % KEYS], HEAVY[n % 2], ends, statuses))
        for n in range(CONNECTIONS)
    ]
    for reader in readers:
        reader.start()
    loaded = []
    while time.monotonic() < ends:
        loaded.append(_read_page(site))
    for reader in readers:
        reader.join()
    before, beside = (statistics.quantiles(seconds, n=20)[-1] for seconds in (idle, loaded))
    print(f"page, 95th percentile of {len(loaded)}: {beside:.3f} s, idle {before:.3f} s; heavy reads {dict(statuses)}")
    assert statuses[200] > 0
    assert set(statuses) <= {200, 429, 503}
    assert beside < max(FACTOR * before, ENOUGH)


def _read(site: Site, key: str, path: str, ends: float, statuses: Counter[int]) -> None:
    while time.monotonic() < ends:
        with suppress(OSError, http.client.HTTPException):
            statuses[site.request("GET", path, headers=bearer(key)).status] += 1


def _read_page(site: Site) -> float:
    started = time.monotonic()
    assert site.page().status == 200
    return time.monotonic() - started

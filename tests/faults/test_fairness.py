"""Tests that pages stay fast while scripts post as fast as they can."""

from __future__ import annotations

import statistics
import threading
import time

from tests.faults.loading import Load, batches, snapshots
from tests.faults.site import Site


def test_bulk_posts_do_not_starve_pages(site: Site) -> None:
    idle = [_seconds(site) for _ in range(20)]
    load = Load(site, batches(snapshots(4000), 500), site.project("busy"))
    posting = threading.Thread(target=load.run, args=(60,))
    posting.start()
    loaded = []
    while posting.is_alive():
        loaded.append(_seconds(site))
    posting.join()

    print(f"page, median of {len(loaded)} under load {statistics.median(loaded):.3f} s, "
          f"idle {statistics.median(idle):.3f} s, slowest {max(loaded):.3f} s")  # fmt: skip
    assert set(load.status_counts) <= {200, 503}
    assert statistics.median(loaded) < max(5 * statistics.median(idle), 1)
    assert max(loaded) < 5


def _seconds(site: Site) -> float:
    start = time.monotonic()
    assert site.page().status == 200
    return time.monotonic() - start

"""Pages beside scripts that post as fast as they can."""

from __future__ import annotations

import statistics
import threading
import time

from tests.faults.loading import Load, batches, snapshots
from tests.faults.site import Site


def test_bulk_posts_do_not_starve_the_pages(site: Site) -> None:
    idle = [_seconds(site) for _ in range(20)]
    load = Load(site, batches(snapshots(4000), 500), site.project("busy"))
    posting = threading.Thread(target=load.run, args=(60,))
    posting.start()
    beside = []
    while posting.is_alive():
        beside.append(_seconds(site))
    posting.join()

    print(f"page, median of {len(beside)} beside a load {statistics.median(beside):.3f} s, "
          f"idle {statistics.median(idle):.3f} s, slowest {max(beside):.3f} s")  # fmt: skip
    assert set(load.answers) <= {200, 503}
    assert statistics.median(beside) < max(5 * statistics.median(idle), 1)
    assert max(beside) < 5


def _seconds(site: Site) -> float:
    begun = time.monotonic()
    assert site.page().status == 200
    return time.monotonic() - begun

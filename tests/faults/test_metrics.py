"""Metrics of a running site: several processes count together, and go on when one of them is killed."""

from __future__ import annotations

import re

from tests.dashboard.server.test_up import wait_until
from tests.factories import run_object
from tests.faults.site import Site, kill


def read_metric(site: Site, name: str) -> float:
    """Return the value of a metric; 0 if it is not known yet."""
    response = site.request("GET", "/metrics")
    assert response.status == 200
    match = re.search(rf"^{re.escape(name)} (\S+)$", response.body.decode(), re.MULTILINE)
    return float(match[1]) if match else 0.0


def list_sizes(site: Site) -> dict[str, int]:
    return {path.name: path.stat().st_size for path in (site.data_dir / "monitoring").glob("*.db")}


def test_counts_survive_a_killed_worker(site: Site) -> None:
    created = 'runglass_ingested_objects_total{kind="runs",outcome="created"}'
    posts = 'runglass_http_requests_total{method="POST",route="api-runs",status="2xx"}'
    replaced = 'runglass_process_replacements_total{kind="worker"}'
    before = {name: read_metric(site, name) for name in (created, posts, replaced)}
    for _ in range(8):
        assert site.post([run_object(), run_object()]).status == 200
    sizes = list_sizes(site)
    kill(site.children()[0][0])
    wait_until(lambda: read_metric(site, replaced) == before[replaced] + 1)
    wait_until(lambda: len(site.children()[0]) == 2)
    for _ in range(8):
        assert site.post([run_object(), run_object()]).status == 200
    assert read_metric(site, created) == before[created] + 32
    assert read_metric(site, posts) == before[posts] + 16
    assert list_sizes(site) == sizes
    wait_until(lambda: read_metric(site, "runglass_database_up") == 1)

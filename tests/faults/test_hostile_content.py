"""Hostile content of one project neither fills the memory nor stops the maintenance of others."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import Any

from tests.factories import function_call, run_object, step_object
from tests.faults.site import JSON, Site, bearer
from tests.hostile_content import build_hostile_runs

MAX_PEAK_MEMORY_MB = 400  # of each process
MAX_MAINTENANCE_SECONDS = 120.0  # on a busy machine
_PENDING = (
    "from runs.models import RunStep\n"
    "pending = RunStep.objects.filter(invalid_calls=None).exclude(tool_types=[])\n"
    "print(pending.filter(project__slug={slug!r}).count())"
)


def post_objects(site: Site, kind: str, objects: list[dict[str, Any]], key: str = "") -> None:
    for begin in range(0, len(objects), 100):
        body = json.dumps(objects[begin : begin + 100]).encode()
        response = site.request("POST", f"/api/v1/{kind}", body, {**JSON, **bearer(key or site.key)}, timeout=120)
        assert response.status == 200, response.body[:500]


def await_validation(site: Site, slug: str) -> None:
    deadline = time.monotonic() + MAX_MAINTENANCE_SECONDS
    while site.manage(_PENDING.format(slug=slug)).strip() != "0":
        assert time.monotonic() < deadline, f"steps of {slug} are still not validated"
        time.sleep(1)


def read_peak_memory(site: Site) -> dict[int, int]:
    """Return the peak memory of every Python process of the site in MB, by pid."""
    listed = subprocess.run(
        ["ps", "-ww", "-o", "pid=,args=", "--ppid", str(site.up.process.pid)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    pids = [int(pid) for pid, args in (line.split(None, 1) for line in listed) if "manage.py up" in args]
    status = {pid: Path(f"/proc/{pid}/status").read_text() for pid in pids}
    return {pid: int(text.partition("VmHWM:")[2].split()[0]) // 1024 for pid, text in status.items()}


def test_hostile_content_is_contained(site: Site) -> None:
    processes = read_peak_memory(site).keys()
    for hostile in build_hostile_runs():
        post_objects(site, "runs", [hostile.run])
        post_objects(site, "steps", hostile.steps)
        post_objects(site, "messages", hostile.messages)
    quiet_key = site.project("quiet")
    run = run_object()
    post_objects(site, "runs", [run], quiet_key)
    post_objects(site, "steps", [step_object(run, function_call("search_orders", "{"))], quiet_key)
    await_validation(site, "quiet")

    for hostile in build_hostile_runs():
        for path in (
            f"runs/{hostile.run['id']}/?full=timeline&full=tools&full=raw",
            f"threads/{hostile.run['thread_id']}/",
        ):
            assert site.page(f"/p/default/{path}", timeout=60).status == 200, path
    for path in ("runs/", "tools/", "actions/", "errors/"):
        assert site.page(f"/p/default/{path}", timeout=60).status == 200, path
    await_validation(site, "default")

    peaks = read_peak_memory(site)
    assert peaks.keys() == processes  # none was replaced
    assert max(peaks.values()) <= MAX_PEAK_MEMORY_MB, peaks

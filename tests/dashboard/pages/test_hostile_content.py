"""Every page has a bounded size and a bounded number of queries, whatever is stored."""

from __future__ import annotations

import time

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from runs.enrichment.maintenance import Maintenance
from runs.models import Project, Run, RunStep
from tests import factories
from tests.hostile_content import build_hostile_runs

MAX_PAGE_BYTES = 1_750_000
MAX_QUERIES = 30  # a large run is read in parts
MAX_CPU_SECONDS = 5.0


@pytest.fixture
def hostile_project(project: Project) -> Project:
    factories.post(project, factories.run_object(id="run_plain"))
    for hostile in build_hostile_runs():
        reports = [
            factories.post(project, hostile.run),
            factories.post_steps(project, *hostile.steps),
            factories.post_messages(project, *hostile.messages),
        ]
        assert not [report.errors for report in reports if report.errors], hostile.run["id"]
    work = Maintenance()
    while work.step():
        pass
    return project


def list_page_urls(project: Project) -> list[str]:
    base = f"/p/{project.slug}"
    names = ("runs", "threads", "assistants", "tools", "errors", "usage", "actions")
    urls = [f"{base}/{name}/" for name in names]
    urls += [f"{base}/connect/", f"{base}/settings/", f"{base}/assistants/asst_concierge/"]
    urls += [f"{base}/tools/function/{name}/" for name in ("find", "tool_3", "deep", "f0")]
    for run in Run.objects.exclude(external_id="run_plain"):
        page = reverse("run", kwargs={"project": project.slug, "run_id": run.external_id})
        everything = "&".join(f"full={name}" for name in ("timeline", "tools", "usage", "raw", "change"))
        urls += [page, f"{page}?{everything}&find=x"]
        urls.append(reverse("thread", kwargs={"project": project.slug, "thread_id": run.thread_id}))
        urls.append(f"{base}/compare/?left={run.external_id}&right=run_hostile_arrays&show=all")
        if run.error_group_id:
            kwargs = {"project": project.slug, "group_id": run.error_group_id}
            urls.append(reverse("error-group", kwargs=kwargs))
    return urls


def test_pages_of_hostile_content_are_bounded(hostile_project: Project, member_client: Client) -> None:
    assert not RunStep.objects.filter(invalid_calls=None).exclude(tool_types=[]).exists()
    exceeded = []
    for url in list_page_urls(hostile_project):
        begin = time.process_time()
        with CaptureQueriesContext(connection) as queries:
            response = member_client.get(url)
        seconds, size = time.process_time() - begin, len(response.content)
        if (
            response.status_code >= 500
            or size > MAX_PAGE_BYTES
            or len(queries) > MAX_QUERIES
            or seconds > MAX_CPU_SECONDS
        ):
            exceeded.append((url, response.status_code, size, len(queries), round(seconds, 1)))
    assert not exceeded, "\n".join(map(str, exceeded))

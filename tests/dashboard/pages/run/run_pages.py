"""Helpers that open the page of a run."""

from __future__ import annotations

from typing import Any

from django.test import Client
from django.urls import reverse

from runs.models import Project
from tests import factories
from tests.pages import Element, Page


def run_url(run_id: str, project: str = "default") -> str:
    """Return the URL of the page of a run."""
    return reverse("run", kwargs={"project": project, "run_id": run_id})


def run_json_url(run_id: str, project: str = "default") -> str:
    """Return the URL of a run as JSON."""
    return reverse("run-json", kwargs={"project": project, "run_id": run_id})


def htmx_headers(target: str) -> dict[str, str]:
    """Return the headers of an HTMX request that swaps in the element `target`."""
    return {"HX-Request": "true", "HX-Target": target}


def open_run(client: Client, posted: dict[str, Any], query: str = "", target: str = "") -> Page:
    """Open the page of a posted run, or its fragment `target`."""
    response = client.get(run_url(posted["id"]) + query, headers=htmx_headers(target) if target else {})
    assert response.status_code == 200
    return Page(response)


def post_run_with_steps(project: Project, count: int) -> dict[str, Any]:
    """Post a run with `count` steps, each of which calls a function."""
    run = factories.run_object()
    factories.post(project, run)
    factories.post_steps(project, *(factories.step_object(run, factories.function_call("a")) for _ in range(count)))
    return run


def texts_of(element: Element, tag: str) -> list[str]:
    """Return the texts of the elements with this tag."""
    return [child.text for child in element.iterate() if child.tag == tag]

"""Views that help to send runs: the connect page, and the status of arriving runs at the top of every page."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from dashboard.pages.connect.guides import CONNECT_GUIDES
from dashboard.pages.connect.params import ConnectParams
from dashboard.ui.run_rows import build_run_url
from dashboard.web import htmx
from dashboard.web.invalid_params import handle_invalid_params
from dashboard.web.key_creation import create_audited_key
from dashboard.web.permissions import admin_required, viewer_required
from runs.models import Project, Run, User
from runs.models.refused_request import REFUSAL_RETENTION
from runs.team.refusals import fetch_refusals

# Runs count as arriving if the last one arrived within this time.
MAX_KEY_NAME_LENGTH = 100  # characters
RECEIVING_WINDOW = timedelta(minutes=10)


@require_safe
@viewer_required
@handle_invalid_params
def connect(request: HttpRequest, project: Project) -> HttpResponse:
    """Show how to send runs, and how assistants read them, with snippets that work unchanged.

    The page polls for the first run: 204 until there is one.
    """
    # 1. Parse
    params = ConnectParams.parse(request.GET)

    # 2. Fetch and render
    return _render_connect(request, project, params)


def _render_connect(
    request: HttpRequest, project: Project, params: ConnectParams, status: int = 200, **extra: Any
) -> HttpResponse:
    """Render the page. `extra` adds the secret of a new key, or why there is none."""
    run = Run.objects.in_project(project).newest_first().for_list().first()
    if run is None and htmx.get_fragment_target(request) == "waiting":
        return HttpResponse(status=204)
    page_url = reverse("connect", kwargs={"project": project.slug})
    tabs = [
        {
            "label": guide.label,
            "url": page_url + params.query_string(guide=guide.name),
            "is_current": guide.name is params.guide,
        }
        for guide in CONNECT_GUIDES.values()
    ]
    context: dict[str, Any] = {
        "project": project,
        "tabs": tabs,
        "guide": CONNECT_GUIDES[params.guide],
        "endpoint": request.build_absolute_uri(reverse("api-runs")),
        "responses_url": request.build_absolute_uri(reverse("api-responses")),
        "otlp_endpoint": request.build_absolute_uri(reverse("home")).removesuffix("/"),
        "agents_url": request.build_absolute_uri(reverse("otlp-agents")),
        "mcp_url": request.build_absolute_uri(reverse("mcp")),
        "created_at": int(timezone.now().timestamp()),
        "page_url": page_url,
        "key_url": reverse("connect-key-create", kwargs={"project": project.slug}) + params.query_string(),
        "max_key_name_length": MAX_KEY_NAME_LENGTH,
        "refusals": fetch_refusals(project, cast(User, request.user)),
        "refusal_days": REFUSAL_RETENTION.days,
        "run": run,
        "run_url": build_run_url(reverse("runs", kwargs={"project": project.slug}), run) if run else None,
        **extra,
    }
    fragments = {"waiting": "pages/connect/_waiting.html", "refusals": "pages/connect/_refusals.html"}
    return htmx.render_page(request, "pages/connect/page.html", context, fragments, status)


@require_POST
@admin_required
@handle_invalid_params
def connect_key_create(request: HttpRequest, project: Project) -> HttpResponse:
    """Create an API key with the scope of the open guide. This response is the only one that shows the secret."""
    params = ConnectParams.parse(request.GET)
    guide = CONNECT_GUIDES[params.guide]
    name = request.POST.get("name", "").strip()
    if not 0 < len(name) <= MAX_KEY_NAME_LENGTH or not name.isprintable():
        context = {"key_problem": f"Name: expected 1 to {MAX_KEY_NAME_LENGTH} printable characters"}
        return _render_connect(request, project, params, status=422, **context)
    secret = create_audited_key(request, project, name, [guide.scope])
    return _render_connect(request, project, params, new_key_name=name, new_key_secret=secret)


@require_safe
@viewer_required
def receiving_status(request: HttpRequest, project: Project) -> HttpResponse:
    """Render when the last run was received, for the header of every page, which polls for it."""
    last_received_at = Run.objects.last_received_at(project)
    context: dict[str, Any] = {
        "project": project,
        "last_received_at": last_received_at,
        "is_receiving": last_received_at is not None and timezone.now() - last_received_at < RECEIVING_WINDOW,
        "is_polled": True,
    }
    return render(request, "ui/_receiving.html", context)

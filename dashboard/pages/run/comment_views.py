"""The comments on a run."""

from __future__ import annotations

from typing import cast

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST

from dashboard.ui.comment_posts import respond_to_comment
from dashboard.ui.comments import CommentsSection
from dashboard.web.permissions import member_required
from runs.models import Project, Run, RunAlias, User


@require_POST
@member_required
def run_comments(request: HttpRequest, project: Project, run_id: str) -> HttpResponse:
    """Change the comments on a run (see `respond_to_comment`)."""
    run = RunAlias.objects.resolve_run(project, run_id)
    if run is None:
        raise Http404(f"No run '{run_id}'")
    return respond_to_comment(request, project, build_run_comments(project, run, cast(User, request.user)))


def build_run_comments(project: Project, run: Run, user: User) -> CommentsSection:
    """Return the comments on `run` as shown to `user`."""
    names = {"project": project.slug, "run_id": run.external_id}
    url, page_url = reverse("run-comments", kwargs=names), reverse("run", kwargs=names)
    return CommentsSection(run, user, project.role, url, page_url, run.external_id, count_id="comment-count")

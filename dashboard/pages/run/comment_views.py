"""Add, edit and delete comments on a run."""

from __future__ import annotations

import uuid
from typing import cast

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBadRequest
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from dashboard.pages.run.comments import CommentsSection, can_delete_comment, can_edit_comment
from dashboard.web import htmx
from dashboard.web.permissions import member_required
from runs.errors import InvalidComment
from runs.models import Comment, Project, Run, RunAlias, User
from runs.team.comments import add_comment, delete_comment, edit_comment

COMMENT_ACTIONS = ("add", "edit", "delete")


@require_POST
@member_required
def run_comments(request: HttpRequest, project: Project, run_id: str) -> HttpResponse:
    """Add a comment (`text`), edit one (`comment`, `text`) or delete one (`comment`), depending on `action`.

    Respond with the comments. An invalid text is sent back as a draft, with the reason.
    """
    # 1. Parse
    run = RunAlias.objects.resolve_run(project, run_id)
    if run is None:
        raise Http404(f"No run '{run_id}'")
    user = cast(User, request.user)
    action, text = request.POST.get("action", ""), request.POST.get("text", "")
    if action not in COMMENT_ACTIONS:
        message = f"action: expected {', '.join(COMMENT_ACTIONS)}, got '{action}'"
        return HttpResponseBadRequest(message, content_type="text/plain")
    comment = None if action == "add" else _get_comment_or_404(run, request.POST.get("comment", ""))

    # 2. Write
    try:
        if comment is None:
            add_comment(run, user, text)
        elif action == "edit":
            if not can_edit_comment(comment, user, project.role):
                raise PermissionDenied
            edit_comment(comment, text)
        else:
            if not can_delete_comment(comment, user, project.role):
                raise PermissionDenied
            delete_comment(comment)
        section = CommentsSection(run, user, project.role)
        status = 200
    except InvalidComment as error:
        section = CommentsSection(run, user, project.role, error.message, text, comment)
        status = 400

    # 3. Render
    context = {"comments": section, "run": run, "project": project}
    if htmx.is_partial_request(request):
        return htmx.render_page(request, "pages/run/_comments.html", context | {"count_oob": True}, status=status)
    if section.error:
        return htmx.render_page(request, "pages/run/comment_error.html", context, status=status)
    return redirect(f"{reverse('run', kwargs={'project': project.slug, 'run_id': run_id})}#comments")


def _get_comment_or_404(run: Run, comment_id: str) -> Comment:
    try:
        comment = Comment.objects.find(run, uuid.UUID(comment_id))
    except ValueError:
        comment = None
    if comment is None:
        raise Http404(f"No comment '{comment_id}'")
    return comment

"""Writing, changing and deleting comments on a run."""

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
from runs.models import Comment, Project, Run, User
from runs.team import comments

COMMENT_ACTIONS = ("add", "change", "delete")


@require_POST
@member_required
def run_comments(request: HttpRequest, project: Project, run_id: str) -> HttpResponse:
    """`action` is add (`text`), change (`comment`, `text`) or delete (`comment`).

    Answers with the comments as they are then; what can't be kept comes back as a draft, with the reason.
    """
    run = Run.objects.find(project, run_id)
    if run is None:
        raise Http404(f"No run '{run_id}'")
    action = request.POST.get("action", "")
    if action not in COMMENT_ACTIONS:
        return HttpResponseBadRequest(f"action: known are {', '.join(COMMENT_ACTIONS)}", content_type="text/plain")
    comment = None if action == "add" else _comment(run, request.POST.get("comment", ""))
    try:
        _do(request, project, run, comment, action)
    except InvalidComment as error:
        draft = CommentsSection(run, _reader(request), project.role, error.message, _text(request), comment)
        return _show(request, project, draft, status=400)
    if not htmx.is_partial_request(request):
        return redirect(f"{reverse('run', kwargs={'project': project.slug, 'run_id': run_id})}#comments")
    return _show(request, project, CommentsSection(run, _reader(request), project.role))


def _do(request: HttpRequest, project: Project, run: Run, comment: Comment | None, action: str) -> None:
    """Raises PermissionDenied for what somebody else wrote, InvalidComment."""
    if comment is None:
        comments.add_comment(run, _reader(request), _text(request))
        return
    may = can_edit_comment if action == "change" else can_delete_comment
    if not may(comment, _reader(request), project.role):
        raise PermissionDenied
    if action == "change":
        comments.edit_comment(comment, _text(request))
    else:
        comments.delete_comment(comment)


def _comment(run: Run, written: str) -> Comment:
    """Raises Http404 where there is none of that id."""
    try:
        found = Comment.objects.find(run, uuid.UUID(written))
    except ValueError as error:
        raise Http404(f"No comment '{written}'") from error
    if found is None:
        raise Http404(f"No comment '{written}'")
    return found


def _show(request: HttpRequest, project: Project, shown: CommentsSection, status: int = 200) -> HttpResponse:
    template = "pages/run/_comments.html" if htmx.is_partial_request(request) else "pages/run/comment_error.html"
    return htmx.render_page(request, template, {"comments": shown, "run": shown.run, "project": project}, status=status)


def _text(request: HttpRequest) -> str:
    return request.POST.get("text", "")


def _reader(request: HttpRequest) -> User:
    return cast(User, request.user)

"""Add, edit and delete comments, whatever they are on."""

from __future__ import annotations

import uuid
from dataclasses import replace

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBadRequest
from django.shortcuts import redirect

from dashboard.ui.comments import CommentsSection, can_delete_comment, can_edit_comment
from dashboard.web import htmx
from runs.errors import InvalidComment
from runs.models import Project
from runs.team.comments import AnyComment, CommentTarget, add_comment, delete_comment, edit_comment, find_comment

COMMENT_ACTIONS = ("add", "edit", "delete")


def respond_to_comment(request: HttpRequest, project: Project, section: CommentsSection) -> HttpResponse:
    """Add a comment (`text`), edit one (`comment`, `text`) or delete one (`comment`), depending on `action`.

    Respond with the comments. An invalid text is sent back as a draft, with the reason.
    """
    # 1. Parse
    target, user = section.target, section.user
    action, text = request.POST.get("action", ""), request.POST.get("text", "")
    if action not in COMMENT_ACTIONS:
        message = f"action: expected {', '.join(COMMENT_ACTIONS)}, got '{action}'"
        return HttpResponseBadRequest(message, content_type="text/plain")
    comment = None if action == "add" else _get_comment_or_404(target, request.POST.get("comment", ""))

    # 2. Write
    status = 200
    try:
        if comment is None:
            add_comment(target, user, text)
        elif action == "edit":
            if not can_edit_comment(comment, user, project.role):
                raise PermissionDenied
            edit_comment(comment, text)
        else:
            if not can_delete_comment(comment, user, project.role):
                raise PermissionDenied
            delete_comment(comment)
    except InvalidComment as error:
        section = replace(section, error=error.message, draft=text, edited=comment)
        status = 400

    # 3. Render
    context = {"comments": section, "project": project}
    if htmx.is_partial_request(request):
        return htmx.render_page(request, "ui/_comments.html", context | {"is_update": True}, status=status)
    if section.error:
        return htmx.render_page(request, "ui/comment_error.html", context, status=status)
    return redirect(f"{section.page_url}#comments")


def _get_comment_or_404(target: CommentTarget, comment_id: str) -> AnyComment:
    try:
        comment = find_comment(target, uuid.UUID(comment_id))
    except ValueError:
        comment = None
    if comment is None:
        raise Http404(f"No comment '{comment_id}'")
    return comment

"""The page that takes files, and says what became of the records in them."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from dashboard.pages.imports.verdict import MAX_SHOWN_REJECTS, ImportVerdict, import_uploads
from dashboard.web.audit import record_event
from dashboard.web.permissions import member_required
from runs.models import Project

_MAX_NAMED_FILES = 3


@require_http_methods(["GET", "HEAD", "POST"])
@member_required
def import_files(request: HttpRequest, project: Project) -> HttpResponse:
    """Show the form; or import the files that were chosen, and show the verdict.

    The status is 422 if nothing in them is accepted. Files may be uploaded again: what is stored is not stored twice.
    """
    context: dict[str, Any] = {"project": project, "max_megabytes": settings.MAX_BODY_BYTES // (1024 * 1024)}
    if request.method != "POST":
        return render(request, "pages/imports/page.html", context)
    uploads = request.FILES.getlist("files")
    if not uploads:
        return render(request, "pages/imports/page.html", context | {"is_empty": True}, status=422)
    verdict = import_uploads(project, uploads)
    names = [upload.name or "file" for upload in uploads]
    record_event(request, project, _describe_import(names, verdict))
    context |= {"verdict": verdict, "names": names, "max_shown_rejects": MAX_SHOWN_REJECTS}
    status = 200 if verdict.accepted_count or verdict.is_clean else 422
    return render(request, "pages/imports/page.html", context, status=status)


def _describe_import(names: list[str], verdict: ImportVerdict) -> str:
    named = ", ".join(name[:100] for name in names[:_MAX_NAMED_FILES])
    more = f" and {len(names) - _MAX_NAMED_FILES} more files" if len(names) > _MAX_NAMED_FILES else ""
    rejected = verdict.summary.outcomes["rejected"]
    return f"imported {named}{more}: {verdict.accepted_count:,} records stored, {rejected:,} rejected"

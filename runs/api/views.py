"""What every view of the REST API has in common."""

from __future__ import annotations

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.views import APIView

from runs.api.authentication import BearerKey, HasScope
from runs.models import Project


class KeyedView(APIView):
    """A view behind an API key; the key's project is all that it can see."""

    authentication_classes: ClassVar = [BearerKey]
    permission_classes: ClassVar = [HasScope]
    parser_classes: ClassVar = []

    def project(self, request: Request) -> Project:
        """The project of the request's key."""
        project: Project = request.auth.project
        return project

"""A ModelSerializer and a ModelViewSet, with bulk creation as in DRF's documentation."""

from __future__ import annotations

import hashlib
from typing import Any, ClassVar

from django.contrib.auth.models import AnonymousUser
from rest_framework import serializers, viewsets
from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.response import Response

from runs.api.authentication import BearerAuthentication, HasRequiredScope
from runs.models import ApiKey
from tests.benchmarks.plain.models import PlainRun


class PlainAuthentication(BearerAuthentication):
    """Authentication with one query, like the framework's TokenAuthentication."""

    def authenticate(self, request: Request) -> tuple[Any, ApiKey]:
        secret = request.headers["Authorization"].removeprefix("Bearer ")
        digest = hashlib.sha256(secret.encode()).digest()
        return AnonymousUser(), ApiKey.objects.select_related("project").get(digest=digest, revoked_at=None)


class BulkSerializer(serializers.ListSerializer[Any]):
    def create(self, validated_data: list[dict[str, Any]]) -> list[PlainRun]:
        return PlainRun.objects.bulk_create([PlainRun(**values) for values in validated_data])


class PlainSerializer(serializers.ModelSerializer[PlainRun]):
    class Meta:
        model = PlainRun
        fields = "__all__"
        list_serializer_class = BulkSerializer
        # avoids a query per object: the primary key rejects duplicates
        extra_kwargs: ClassVar = {"id": {"validators": []}}


class PlainRunViewSet(viewsets.ModelViewSet[PlainRun]):
    """Creation of one run or a list of runs, answered with the created objects, as the framework does."""

    queryset = PlainRun.objects.order_by("-created_at", "-id")
    serializer_class = PlainSerializer
    authentication_classes: ClassVar = [PlainAuthentication]
    permission_classes: ClassVar = [HasRequiredScope]
    parser_classes: ClassVar = [JSONParser]

    def get_serializer(self, *args: Any, **kwargs: Any) -> serializers.BaseSerializer[Any]:
        """Return a list serializer if a list was sent."""
        return super().get_serializer(*args, many=isinstance(kwargs.get("data"), list), **kwargs)


class CountingRunViewSet(PlainRunViewSet):
    """Creation answered with a count instead of the objects."""

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:  # noqa: ARG002
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        serializer.save()
        return Response({"created": len(request.data) if isinstance(request.data, list) else 1}, status=201)

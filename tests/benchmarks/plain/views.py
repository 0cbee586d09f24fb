"""A ModelSerializer and a ModelViewSet, with the bulk path that DRF's documentation shows."""

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


class PlainKey(BearerAuthentication):
    """One query through the ORM, as the framework's own TokenAuthentication has it."""

    def authenticate(self, request: Request) -> tuple[Any, ApiKey]:
        secret = request.headers["Authorization"].removeprefix("Bearer ")
        digest = hashlib.sha256(secret.encode()).digest()
        return AnonymousUser(), ApiKey.objects.select_related("project").get(digest=digest, revoked_at=None)


class BulkSerializer(serializers.ListSerializer[Any]):
    def create(self, validated_data: list[dict[str, Any]]) -> list[PlainRun]:
        return PlainRun.objects.bulk_create([PlainRun(**each) for each in validated_data])


class PlainSerializer(serializers.ModelSerializer[PlainRun]):
    class Meta:
        model = PlainRun
        fields = "__all__"
        list_serializer_class = BulkSerializer
        # a query per object would be needless: the primary key refuses doubles
        extra_kwargs: ClassVar = {"id": {"validators": []}}


class PlainRuns(viewsets.ModelViewSet[PlainRun]):
    """Creates what it is sent, one object or a list, and answers with it, as the framework's own `create` does."""

    queryset = PlainRun.objects.order_by("-created_at", "-id")
    serializer_class = PlainSerializer
    authentication_classes: ClassVar = [PlainKey]
    permission_classes: ClassVar = [HasRequiredScope]
    parser_classes: ClassVar = [JSONParser]

    def get_serializer(self, *args: Any, **kwargs: Any) -> serializers.BaseSerializer[Any]:
        """One of many where a list was sent."""
        return super().get_serializer(*args, many=isinstance(kwargs.get("data"), list), **kwargs)


class CountedRuns(PlainRuns):
    """The same, but answers with a count alone, which the framework has no word for."""

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:  # noqa: ARG002
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        serializer.save()
        return Response({"created": len(request.data) if isinstance(request.data, list) else 1}, status=201)

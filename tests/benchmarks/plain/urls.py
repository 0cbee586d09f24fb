"""URLs of the baseline."""

from django.urls import path

from tests.benchmarks.plain.views import CountingRunViewSet, PlainRunViewSet

urlpatterns = [
    path("runs", PlainRunViewSet.as_view({"post": "create"})),
    path("counted", CountingRunViewSet.as_view({"post": "create"})),
]

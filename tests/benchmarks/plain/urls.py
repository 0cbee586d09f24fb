"""The baseline's addresses."""

from django.urls import path

from tests.benchmarks.plain.views import CountedRuns, PlainRuns

urlpatterns = [
    path("runs", PlainRuns.as_view({"post": "create"})),
    path("counted", CountedRuns.as_view({"post": "create"})),
]

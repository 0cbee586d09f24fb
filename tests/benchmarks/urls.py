"""The site's addresses, and the baseline's below /plain/."""

from django.urls import include, path

from tests.benchmarks.plain.views import CountedRuns, PlainRuns

urlpatterns = [
    path("plain/runs", PlainRuns.as_view({"post": "create"})),
    path("plain/counted", CountedRuns.as_view({"post": "create"})),
    path("", include("dashboard.urls")),
]

"""The site's addresses, and the baseline's below /plain/."""

from django.urls import include, path

from tests.benchmarks.plain.views import PlainRuns

urlpatterns = [
    path("plain/runs", PlainRuns.as_view({"post": "create"})),
    path("", include("dashboard.urls")),
]

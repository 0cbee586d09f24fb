"""Every address of the site. Pages live below their project."""

from django.urls import include, path

from runs import addresses  # noqa: F401 - registers posted_id
from dashboard.views import account, connect, health, home, run, runs

handler400 = "dashboard.views.errors.bad_request"
handler403 = "dashboard.views.errors.forbidden"
handler404 = "dashboard.views.errors.not_found"
handler500 = "dashboard.views.errors.server_error"

project_pages = [
    path("runs/", runs.page, name="runs"),
    path("runs/<posted_id:run_id>.json", run.json, name="run-json"),
    path("runs/<posted_id:run_id>/", run.page, name="run"),
    path("connect/", connect.page, name="connect"),
]

urlpatterns = [
    path("", home.page, name="home"),
    path("login/", account.login, name="login"),
    path("logout/", account.logout, name="logout"),
    path("p/<slug:project>/", include(project_pages)),
    path("api/v1/", include("runs.api.urls")),
    path("", include("runs.api.readback.urls")),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]

"""URLs of the Assistants API, below the base URLs that its clients use.

Base URLs of Azure name a project. Here, any name is accepted: the API key alone determines the project.
"""

from django.urls import include, path

from runs.api import url_converters  # noqa: F401 - registers posted_id
from runs.api.assistants_compat import views

_RUN = "threads/<posted_id:thread_id>/runs/<posted_id:run_id>"

compat_paths = [
    path(f"{_RUN}/steps/<posted_id:step_id>", views.CompatStepView.as_view()),
    path(f"{_RUN}/steps", views.CompatStepListView.as_view()),
    path(_RUN, views.CompatRunView.as_view()),
    path("threads/<posted_id:thread_id>/runs", views.CompatRunListView.as_view()),
    path("threads/<posted_id:thread_id>/messages/<posted_id:message_id>", views.CompatMessageView.as_view()),
    path("threads/<posted_id:thread_id>/messages", views.CompatMessageListView.as_view()),
    path("threads/<posted_id:thread_id>", views.CompatThreadView.as_view()),
    path("threads", views.CompatThreadListView.as_view()),
    path("", views.CompatUnknownPathView.as_view()),
    path("<path:unknown_path>", views.CompatUnknownPathView.as_view()),
]

urlpatterns = [
    path("v1/", include(compat_paths)),
    path("openai/v1/", include(compat_paths)),
    path("openai/", include(compat_paths)),
    path("api/projects/<str:project_name>/", include(compat_paths)),
]

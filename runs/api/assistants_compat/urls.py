"""URLs of the Assistants API, below the base URLs that its clients use.

Base URLs of Azure name a project. Here, any name is accepted: the API key alone determines the project.
"""

from django.urls import include, path

from runs.api.assistants_compat import views

_RUN = "threads/<path:thread_id>/runs/<path:run_id>"

# The longest paths come first, because ids may contain slashes.
compat_paths = [
    path(f"{_RUN}/steps/<path:step_id>", views.CompatStepView.as_view()),
    path(f"{_RUN}/steps", views.CompatStepListView.as_view()),
    path(_RUN, views.CompatRunView.as_view()),
    path("threads/<path:thread_id>/runs", views.CompatRunListView.as_view()),
    path("threads/<path:thread_id>/messages/<path:message_id>", views.CompatMessageView.as_view()),
    path("threads/<path:thread_id>/messages", views.CompatMessageListView.as_view()),
    path("threads/<path:thread_id>", views.CompatThreadView.as_view()),
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

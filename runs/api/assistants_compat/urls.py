"""The paths of the hosted API below its base URL, and the bases under which its clients look for them.

Azure's bases name a resource's project; here the key alone decides the project, so any name will do.
"""

from django.urls import include, path

from runs.api.assistants_compat import views

_RUN = "threads/<path:thread_id>/runs/<path:run_id>"

# the longest first: ids are strings of any kind and may hold slashes
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
    path("<path:elsewhere>", views.CompatUnknownPathView.as_view()),
]

urlpatterns = [
    path("v1/", include(compat_paths)),
    path("openai/v1/", include(compat_paths)),
    path("openai/", include(compat_paths)),
    path("api/projects/<str:project_name>/", include(compat_paths)),
]

"""The paths of the hosted API below its base URL, and the bases under which its clients look for them.

Azure's bases name a resource's project; here the key alone decides the project, so any name will do.
"""

from django.urls import include, path

from runs.api.assistants_compat import views

_RUN = "threads/<path:thread_id>/runs/<path:run_id>"

# the longest first: ids are strings of any kind and may hold slashes
paths = [
    path(f"{_RUN}/steps/<path:step_id>", views.OneStep.as_view()),
    path(f"{_RUN}/steps", views.RunSteps.as_view()),
    path(_RUN, views.OneRun.as_view()),
    path("threads/<path:thread_id>/runs", views.ThreadRuns.as_view()),
    path("threads/<path:thread_id>/messages/<path:message_id>", views.OneMessage.as_view()),
    path("threads/<path:thread_id>/messages", views.ThreadMessages.as_view()),
    path("threads/<path:thread_id>", views.OneThread.as_view()),
    path("threads", views.Threads.as_view()),
    path("", views.Elsewhere.as_view()),
    path("<path:elsewhere>", views.Elsewhere.as_view()),
]

urlpatterns = [
    path("v1/", include(paths)),
    path("openai/v1/", include(paths)),
    path("openai/", include(paths)),
    path("api/projects/<str:project_name>/", include(paths)),
]

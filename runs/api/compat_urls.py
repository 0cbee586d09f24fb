"""URLs of the Assistants API and of the Responses API, below the base URLs that its clients use.

Base URLs of Azure name a project. Here, any name is accepted: the API key alone determines the project.
"""

from django.urls import include, path

from runs.api import url_converters  # noqa: F401 - registers posted_id
from runs.api.assistants_compat import views
from runs.api.responses_compat import views as responses_views

_RUN = "threads/<posted_id:thread_id>/runs/<posted_id:run_id>"
_CONVERSATION = "conversations/<posted_id:conversation_id>"

compat_paths = [
    path(f"{_RUN}/steps/<posted_id:step_id>", views.CompatStepView.as_view()),
    path(f"{_RUN}/steps", views.CompatStepListView.as_view()),
    path(_RUN, views.CompatRunView.as_view()),
    path("threads/<posted_id:thread_id>/runs", views.CompatRunListView.as_view()),
    path("threads/<posted_id:thread_id>/messages/<posted_id:message_id>", views.CompatMessageView.as_view()),
    path("threads/<posted_id:thread_id>/messages", views.CompatMessageListView.as_view()),
    path("threads/<posted_id:thread_id>", views.CompatThreadView.as_view()),
    path("responses/<posted_id:response_id>/input_items", responses_views.CompatInputItemsView.as_view()),
    path("responses/<posted_id:response_id>", responses_views.CompatResponseView.as_view()),
    path(f"{_CONVERSATION}/items/<posted_id:item_id>", responses_views.CompatConversationItemView.as_view()),
    path(f"{_CONVERSATION}/items", responses_views.CompatConversationItemsView.as_view()),
    path(_CONVERSATION, responses_views.CompatConversationView.as_view()),
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

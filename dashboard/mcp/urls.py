"""The URL of the Model Context Protocol."""

from django.urls import path

from dashboard.mcp.views import McpView

urlpatterns = [path("mcp", McpView.as_view(), name="mcp")]

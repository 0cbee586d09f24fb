"""The basis of all views: permissions, query parameters, HTMX, navigation and error pages."""

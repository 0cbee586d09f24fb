"""What every view needs: permissions, query parameters, HTMX, navigation and error pages."""

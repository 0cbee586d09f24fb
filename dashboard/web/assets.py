"""The stylesheets and JavaScript modules of pages."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from django.contrib.staticfiles import finders

# In the order of the cascade. The first one fixes the order of the layers.
STYLESHEETS = (
    "css/tokens.css",
    "css/base.css",
    "css/layout.css",
    "css/shared.css",
    "css/controls.css",
    "css/data.css",
    "css/graphics.css",
    "css/states.css",
    "css/pages/runs.css",
    "css/pages/run.css",
    "css/pages/team.css",
    "css/pages/analysis.css",
    "css/pages/entry.css",
    "css/utilities.css",
)
# All of them in one file, which `dashboard.server.static_files` writes when static files are collected.
JOINED_STYLESHEET = "css/site.css"
MAIN_MODULE = "js/main.js"

_STATIC_IMPORT = re.compile(r'\b(?:from|import) "\./([\w-]+\.js)"')


@cache
def find_modules(name: str) -> tuple[str, ...]:
    """Return the names of a module and of all that it imports, except those that it imports on demand."""
    found = [name]
    for module in found:  # grows in the loop
        source = Path(str(finders.find(module))).read_text()
        imported = (f"js/{file_name}" for file_name in _STATIC_IMPORT.findall(source))
        found += [new for new in imported if new not in found]
    return tuple(found)

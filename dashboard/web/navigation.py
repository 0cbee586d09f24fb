"""The context of the page shell: the projects of the user, the navigation of the current one, and the user."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from dashboard.web.permissions import WRITE_ROLES, is_instance_admin
from dashboard.web.shortcuts import KEYS_BY_NAME
from runs import __version__
from runs.models import Membership, Project, User


@dataclass(frozen=True)
class NavigationEntry:
    """A page in the main navigation.

    Attributes:
        url_name: the name of its URL, which takes the slug of the project.
        label: the text of the link.
        child_url_names: the names of URLs below it, for which it is marked as current.
        role: the role that it is shown to; empty for all.
        is_in_project_menu: whether its link is in the menu of the project instead of the main navigation.
    """

    url_name: str
    label: str
    child_url_names: tuple[str, ...] = ()
    role: str = ""
    is_in_project_menu: bool = False


NAVIGATION_ENTRIES = (
    NavigationEntry(
        "runs",
        "Runs",
        child_url_names=(
            "run",
            "run-share-links",
            "compare",
            "saved-views",
            "saved-view",
            "saved-view-edit",
            "query-help",
        ),
    ),
    NavigationEntry("threads", "Threads", child_url_names=("thread",)),
    NavigationEntry("assistants", "Assistants", child_url_names=("assistant",)),
    NavigationEntry("errors", "Errors", child_url_names=("error-group",)),
    NavigationEntry("tools", "Tools", child_url_names=("tool",)),
    NavigationEntry("actions", "Actions"),
    NavigationEntry("usage", "Usage"),
    NavigationEntry(
        "connect",
        "Connect",
        child_url_names=("connect-key-create", "import-files"),
        is_in_project_menu=True,
    ),
    NavigationEntry(
        "settings",
        "Settings",
        child_url_names=(
            *("project-rename", "agent-key-update", "api-keys", "members"),
            *("prices", "price-delete", "retention", "audit-log", "sharing"),
        ),
        role=Membership.Role.ADMIN,
    ),
)


@dataclass(frozen=True)
class NavigationLink:
    """A navigation entry for the current request. `shortcut` names its keyboard shortcut; empty for none."""

    label: str
    url: str
    shortcut: str
    is_current: bool
    is_in_project_menu: bool


class PageShell:
    """The `shell` of templates. Evaluated lazily: two queries, for the user's projects and roles."""

    def __init__(self, request: HttpRequest) -> None:
        """Create the shell of a page that responds to `request`."""
        self._request = request

    version = __version__

    @property
    def command_name(self) -> str:
        """The program of the commands on this server, for example `runglass`."""
        return str(settings.COMMAND_NAME)

    @cached_property
    def user(self) -> User | None:
        """The user who is logged in. A request that fails before authentication has none."""
        user = getattr(self._request, "user", None)
        return user if isinstance(user, User) else None

    @cached_property
    def projects(self) -> list[Project]:
        """The projects that the user is a member of."""
        return list(Project.objects.visible_to(self.user)) if self.user else []

    @cached_property
    def project(self) -> Project | None:
        """The project in the URL; the user's first project on pages without one."""
        match = self._request.resolver_match
        slug = match.kwargs.get("project") if match else None
        if slug is None:
            return next(iter(self.projects), None)
        return next((project for project in self.projects if project.slug == slug), None)

    @cached_property
    def role(self) -> str:
        """The role of the user in the project; "" without a project."""
        if self.user is None or self.project is None:
            return ""
        roles = {membership.project_id: membership.role for membership in self.user.memberships.all()}
        return roles.get(self.project.pk, "")

    @property
    def can_write(self) -> bool:
        """Return whether to show controls for members. The views check the role themselves."""
        return self.role in WRITE_ROLES

    @property
    def is_instance_admin(self) -> bool:
        """Return whether to show the link to the status of the instance."""
        return self.user is not None and is_instance_admin(self.user, self.projects)

    @property
    def user_name(self) -> str:
        """The full name of the user, or the user name."""
        return (self.user.get_full_name() or self.user.get_username()) if self.user else ""

    @property
    def initials(self) -> str:
        """The initials of the user: "MO" for M. Okafor, "AD" for the user name admin."""
        words = self.user_name.split()
        letters = words[0][0] + words[-1][0] if len(words) > 1 else self.user_name[:2]
        return letters.upper()

    @cached_property
    def links(self) -> list[NavigationLink]:
        """The links to pages of the project that the user may see."""
        if self.project is None:
            return []
        match = self._request.resolver_match
        url_name = match.url_name if match else None
        return [
            NavigationLink(
                label=entry.label,
                url=reverse(entry.url_name, kwargs={"project": self.project.slug}),
                shortcut=entry.url_name if entry.url_name in KEYS_BY_NAME else "",
                is_current=url_name == entry.url_name or url_name in entry.child_url_names,
                is_in_project_menu=entry.is_in_project_menu,
            )
            for entry in NAVIGATION_ENTRIES
            if entry.role in ("", self.role)
        ]

    @property
    def main_links(self) -> list[NavigationLink]:
        """The links of the main navigation."""
        return [link for link in self.links if not link.is_in_project_menu]

    @property
    def project_menu_links(self) -> list[NavigationLink]:
        """The links in the menu of the project."""
        return [link for link in self.links if link.is_in_project_menu]

    @property
    def site_name(self) -> str:
        """The end of the titles of pages: "Support · Runglass" for those of a project."""
        match = self._request.resolver_match
        is_of_project = bool(match and "project" in match.kwargs)
        return f"{self.project.name} · Runglass" if is_of_project and self.project else "Runglass"


def page_shell(request: HttpRequest) -> dict[str, PageShell]:
    """Add `shell` to the context of every template. This is a context processor."""
    return {"shell": PageShell(request)}

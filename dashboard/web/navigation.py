"""What the shell around every page shows: the projects of the user, the pages of one, who is signed in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from django.http import HttpRequest
from django.urls import reverse

from dashboard.web.permissions import WRITE_ROLES
from runs.models import Membership, Project, User


@dataclass(frozen=True)
class NavigationEntry:
    """An entry of the main navigation. A new page of a project needs one line in `PAGES`."""

    name: str  # its URL, which takes the project
    label: str
    key: str = ""  # the keys that lead there
    covers: tuple[str, ...] = ()  # names of URLs below it
    role: str = ""  # whom it is for, where not for everybody


NAVIGATION_ENTRIES = (
    NavigationEntry(
        "runs",
        "Runs",
        key="g r",
        covers=("run", "compare", "saved-views", "saved-view", "saved-view-edit", "query-help"),
    ),
    NavigationEntry("threads", "Threads", key="g t", covers=("thread",)),
    NavigationEntry("assistants", "Assistants", key="g a", covers=("assistant",)),
    NavigationEntry("errors", "Errors", key="g e", covers=("error-group",)),
    NavigationEntry("tools", "Tools", key="g o", covers=("tool",)),
    NavigationEntry("actions", "Actions", key="g w"),
    NavigationEntry("usage", "Usage", key="g u"),
    NavigationEntry("connect", "Connect", key="g c"),
    NavigationEntry(
        "settings",
        "Settings",
        covers=("settings-name", "settings-keys", "settings-members", "prices", "prices-remove"),
        role=Membership.Role.ADMIN,
    ),
)


@dataclass(frozen=True)
class NavigationLink:
    """A navigation entry as the template needs it."""

    label: str
    url: str
    key: str
    current: bool


class PageShell:
    """Two queries, and none before a template asks: the user's projects, and their roles in them."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    @cached_property
    def user(self) -> User | None:
        """Who is signed in. Requests that fail early have no user yet."""
        user = getattr(self._request, "user", None)
        return user if isinstance(user, User) else None

    @cached_property
    def projects(self) -> list[Project]:
        return list(Project.objects.visible_to(self.user)) if self.user else []

    @cached_property
    def project(self) -> Project | None:
        """The project that the URL names, or the first one on pages that belong to none."""
        match = self._request.resolver_match
        slug = match.kwargs.get("project") if match else None
        if slug is None:
            return next(iter(self.projects), None)
        return next((project for project in self.projects if project.slug == slug), None)

    @cached_property
    def role(self) -> str:
        """What the user is in the project; "" outside of one."""
        if self.user is None or self.project is None:
            return ""
        roles = {each.project_id: each.role for each in self.user.memberships.all()}
        return roles.get(self.project.pk, "")

    @property
    def can_write(self) -> bool:
        """Whether to offer what only those may do who do more than read; views decide."""
        return self.role in WRITE_ROLES

    @property
    def name(self) -> str:
        return (self.user.get_full_name() or self.user.get_username()) if self.user else ""

    @property
    def initials(self) -> str:
        """ "MO" for M. Okafor, "AD" for the user name admin."""
        words = self.name.split()
        letters = words[0][0] + words[-1][0] if len(words) > 1 else self.name[:2]
        return letters.upper()

    @cached_property
    def pages(self) -> list[NavigationLink]:
        return list(self._pages())

    def _pages(self) -> Iterator[NavigationLink]:
        if self.project is None:
            return
        match = self._request.resolver_match
        here = match.url_name if match else None
        for page in NAVIGATION_ENTRIES:
            if page.role and page.role != self.role:
                continue
            url = reverse(page.name, kwargs={"project": self.project.slug})
            yield NavigationLink(page.label, url, page.key, current=here == page.name or here in page.covers)


def page_shell(request: HttpRequest) -> dict[str, PageShell]:
    """Context processor: `shell` in every template that is rendered for a request."""
    return {"shell": PageShell(request)}

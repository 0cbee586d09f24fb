"""The query parameters of the settings pages."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from dashboard.web.query_params import QueryParams, parse_choice, parse_integer, query_param
from runs.models import AuditEvent

MAX_EVENT_NUMBER = 10**17


@dataclass(frozen=True, slots=True)
class ProjectSettingsParams(QueryParams):
    """The page of general settings takes no parameters."""


@dataclass(frozen=True, slots=True)
class ApiKeyListParams(QueryParams):
    """The page of API keys takes no parameters."""


@dataclass(frozen=True, slots=True)
class MemberListParams(QueryParams):
    """The page of members takes no parameters."""


@dataclass(frozen=True, slots=True)
class PriceListParams(QueryParams):
    """The parameters of the page of prices. `model` is filled into the form."""

    model: str = query_param(str, default="")


@dataclass(frozen=True, slots=True)
class ShareLinkListParams(QueryParams):
    """The parameters of the list of share links. `before` is the number of a link; those before it are listed."""

    before: int = query_param(parse_integer(1, MAX_EVENT_NUMBER), default=0)


@dataclass(frozen=True, slots=True)
class RetentionParams(QueryParams):
    """The page of retention takes no parameters."""


class AuditSource(StrEnum):
    """Whose events the audit log shows."""

    PROJECT = "project"
    SERVER = "server"  # sign-ins and API keys that belong to no project


def _parse_category(text: str) -> str:
    if text in AuditEvent.Category.values:
        return text
    raise ValueError(f"unknown value '{text}'; expected one of {', '.join(AuditEvent.Category.values)}")


@dataclass(frozen=True, slots=True)
class AuditLogParams(QueryParams):
    """The parameters of the audit log. `before` is the number of an event; those before it are listed."""

    source: AuditSource = query_param(parse_choice(AuditSource), default=AuditSource.PROJECT)
    category: str = query_param(_parse_category, default="")
    before: int = query_param(parse_integer(1, MAX_EVENT_NUMBER), default=0)

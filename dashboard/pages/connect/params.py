"""The query parameters of the connect page."""

from __future__ import annotations

from dataclasses import dataclass

from dashboard.pages.connect.guides import GuideName
from dashboard.web.query_params import QueryParams, parse_choice, query_param


@dataclass(frozen=True, slots=True)
class ConnectParams(QueryParams):
    """The parameter of the page: the guide that is open."""

    guide: GuideName = query_param(parse_choice(GuideName), default=GuideName.ASSISTANTS)

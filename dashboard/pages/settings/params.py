"""The query parameters of the settings pages."""

from __future__ import annotations

from dataclasses import dataclass

from dashboard.web.query_params import QueryParams, query_param


@dataclass(frozen=True, slots=True)
class ProjectSettingsParams(QueryParams):
    """The settings page takes no parameters."""


@dataclass(frozen=True, slots=True)
class PriceListParams(QueryParams):
    """The parameters of the page of prices. `model` is filled into the form."""

    model: str = query_param(str, default="")

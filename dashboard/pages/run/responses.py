"""The responses that a run is derived from, as they were posted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dashboard.ui.truncated_text import TruncatedText, truncate_json
from runs.models import Response, Run, RunSource
from runs.protocol.lossless_json import parse_json

MAX_SHOWN_RESPONSES = 50


@dataclass(frozen=True, slots=True)
class ShownResponse:
    """A response with its JSON, and the request that it answers, if it was posted."""

    response: Response
    body: TruncatedText
    request: TruncatedText | None


@dataclass(frozen=True)
class RunResponses:
    """The responses of the turn that `run` is."""

    run: Run

    @property
    def is_shown(self) -> bool:
        """Return whether the run is derived from responses."""
        return self.run.source == RunSource.RESPONSES

    @property
    def rows(self) -> Iterator[ShownResponse]:
        """The first responses, in their order."""
        responses = Response.objects.of_runs(self.run.project, [self.run.external_id]).in_turn_order()
        for response in responses[:MAX_SHOWN_RESPONSES]:
            request = None if response.request is None else truncate_json(parse_json(response.request))
            yield ShownResponse(response, truncate_json(parse_json(response.body)), request)

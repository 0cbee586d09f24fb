"""A run's page put together: what is fetched, and what each section shows of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django.urls import reverse
from django.utils.safestring import SafeString

from dashboard.pages.run import configuration, history, steps
from dashboard.pages.run.configuration import (
    ConfigurationSetting,
    InstructionsText,
    MetadataEntry,
    RunConfigurationChange,
)
from dashboard.pages.run.cost import RunCost
from dashboard.pages.run.header import RunHeader, RunLastError, parse_incomplete_reason, parse_last_error
from dashboard.pages.run.history import HistoryRow, RunVersionDiff
from dashboard.pages.run.list_navigation import ListNavigation, fetch_list_navigation
from dashboard.pages.run.params import RunPageParams
from dashboard.pages.run.raw import RawJsonTree
from dashboard.pages.run.similar import SimilarRuns, fetch_similar_runs
from dashboard.pages.run.steps import RunPageStep
from dashboard.pages.run.timeline import Timeline
from dashboard.pages.run.tool_call_validation import ToolCallValidationSection
from dashboard.pages.run.tool_output_errors import (
    MAX_OUTPUT_ERRORS,
    OutputErrorRow,
    build_output_error_rows,
    find_likely_cause,
)
from dashboard.pages.run.tools import ToolsSection
from dashboard.pages.run.usage import UsageSection
from dashboard.ui import markdown, truncated_text
from dashboard.ui.posted_object import FieldPresence, PostedObject
from dashboard.ui.truncated_text import TruncatedText
from runs.analytics.versions import fetch_replaced_configuration
from runs.models import ApiKey, Configuration, Message, Observation, Run, RunStep
from runs.models.run_history import build_history_entries, rebuild_versions


@dataclass(frozen=True, slots=True)
class AssistantAnswer:
    """What the assistant wrote: Markdown, unless it is cut."""

    text: TruncatedText

    @property
    def html(self) -> SafeString | None:
        return None if self.text.is_truncated else markdown.render_markdown(self.text.full)


@dataclass
class RunPage:
    """One run for its page. A section is made when its template asks."""

    run: Run
    asked: RunPageParams
    now: datetime

    @property
    def full(self) -> frozenset[str]:
        """What is shown without a cut."""
        return self.asked.full

    @cached_property
    def posted(self) -> PostedObject:
        return PostedObject(self.run.members())

    @cached_property
    def header(self) -> RunHeader:
        return RunHeader(
            self.run,
            self.run.project.slug,
            self.posted,
            [step.record for step in self.steps],
            self.now,
            Run.objects.previous_id_in_thread(self.run),
            Run.objects.next_id_in_thread(self.run),
            _listed(self.run, self.asked),
            explanation=find_likely_cause(self.run, self.steps, self.complaints),
            similar=self.similar,
        )

    @cached_property
    def answers(self) -> list[Message]:
        """The messages that the run wrote."""
        return list(Message.objects.of_run(self.run))

    @cached_property
    def answered(self) -> list[AssistantAnswer]:
        return [AssistantAnswer(truncated_text.truncate_text(message.text)) for message in self.answers if message.text]

    @cached_property
    def question(self) -> TruncatedText | None:
        """What was said before the run was made."""
        message = Message.objects.last_question_before(self.run)
        return truncated_text.truncate_text(message.text) if message and message.text else None

    @cached_property
    def steps(self) -> list[RunPageStep]:
        by_id = {message.external_id: message for message in self.answers}
        return steps.build_steps(RunStep.objects.of_run(self.run).for_run_page().oldest_first(), self.run, by_id)

    @cached_property
    def timeline(self) -> Timeline:
        opened = next((name[4:] for name in self.full if name.startswith("row-")), "")
        return Timeline(self.run, self.posted, self.steps, self.now, "timeline" in self.full, opened, self.asked.kept)

    @cached_property
    def tools(self) -> ToolsSection:
        return ToolsSection(self.posted, self.steps, self.timeline.pending, is_full="tools" in self.full)

    @property
    def contract(self) -> ToolCallValidationSection:
        return self.timeline.contract

    @cached_property
    def error(self) -> RunLastError | None:
        return parse_last_error(self.posted)

    @cached_property
    def error_presence(self) -> FieldPresence:
        return self.posted.presence("last_error")

    @cached_property
    def incomplete_presence(self) -> FieldPresence:
        return self.posted.presence("incomplete_details")

    @cached_property
    def incomplete_reason(self) -> str | None:
        return parse_incomplete_reason(self.posted)

    @cached_property
    def failed_steps(self) -> list[RunPageStep]:
        return [step for step in self.steps if step.is_failed]

    @cached_property
    def complaints(self) -> list[OutputErrorRow]:
        """Outputs of tools that look like errors."""
        return build_output_error_rows(self.steps, self.timeline.leads_to)

    @property
    def shown_complaints(self) -> list[OutputErrorRow]:
        return self.complaints[:MAX_OUTPUT_ERRORS]

    @property
    def more_complaints(self) -> int:
        """How many of them are told at their calls alone."""
        return len(self.complaints) - len(self.shown_complaints)

    @cached_property
    def similar(self) -> SimilarRuns | None:
        """Runs that ended badly in the same way."""
        return fetch_similar_runs(self.run, self.run.project.slug, self.now)

    @property
    def error_count(self) -> int:
        return bool(self.error) + (self.incomplete_reason is not None) + len(self.failed_steps)

    @property
    def has_overview(self) -> bool:
        """Whether there is something to say that the header has not said."""
        return bool(self.timeline.pending or self.failed_steps or self.question or self.answered)

    @cached_property
    def usage(self) -> UsageSection:
        return UsageSection(self.run, self.posted, self.steps, self.timeline, self.cost, is_full="usage" in self.full)

    @property
    def cost(self) -> RunCost:
        return self.header.cost

    @property
    def instructions(self) -> InstructionsText:
        return configuration.build_instructions(self.posted)

    @cached_property
    def change(self) -> RunConfigurationChange | None:
        """What changed when the run's configuration came, from what the assistant had run on before."""
        now = self.run.configuration
        found = fetch_replaced_configuration(now)
        if found is None:
            return None
        previous_id, at = found
        previous = Configuration.objects.in_bulk([previous_id])[previous_id]
        return configuration.build_configuration_change(previous, now, at, is_shown="change" in self.full)

    @property
    def settings(self) -> list[ConfigurationSetting]:
        return configuration.build_settings(self.posted)

    @property
    def expiry_presence(self) -> FieldPresence:
        return self.posted.presence("expires_at")

    @cached_property
    def metadata(self) -> list[MetadataEntry]:
        return configuration.build_metadata_entries(self.posted)

    @property
    def metadata_presence(self) -> FieldPresence:
        return self.posted.presence("metadata")

    @cached_property
    def raw(self) -> RawJsonTree:
        return RawJsonTree(self.posted.members, self._json_url, self.asked.find)

    @property
    def _json_url(self) -> str:
        return reverse("run-json", kwargs={"project": self.run.project.slug, "run_id": self.run.external_id})

    @property
    def is_raw_shown(self) -> bool:
        return "raw" in self.full or bool(self.asked.find) or not self.raw.is_large

    @cached_property
    def history(self) -> list[HistoryRow]:
        found = build_history_entries(self.run, list(Observation.objects.of_run(self.run).for_list()))
        return history.build_history_rows(found, ApiKey.objects.names_by_id(entry.key_id for entry in found))

    @cached_property
    def comparison(self) -> RunVersionDiff | None:
        """The two versions that were asked for."""
        if self.asked.compared is None:
            return None
        observations = list(Observation.objects.of_run(self.run))
        return history.diff_run_versions(rebuild_versions(self.run, observations), *self.asked.compared)


def fetch_run_header(run: Run, asked: RunPageParams, now: datetime) -> RunHeader:
    """What the page asks for every two seconds while `run` is active: no payloads but the run's own."""
    return RunHeader(
        run,
        run.project.slug,
        PostedObject(run.members()),
        list(RunStep.objects.of_run(run).without_payload().oldest_first()),
        now,
        Run.objects.previous_id_in_thread(run),
        Run.objects.next_id_in_thread(run),
        _listed(run, asked),
        asked.seen,
    )


def _listed(run: Run, asked: RunPageParams) -> ListNavigation | None:
    return fetch_list_navigation(run.project, run, asked.listed) if asked.listed else None

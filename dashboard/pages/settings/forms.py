"""The forms of a project's settings."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from django import forms

from dashboard.web.timezone import is_known_timezone
from runs.models import ApiKey, Membership, Project
from runs.query.grammar import MAX_QUERY_LENGTH
from runs.responses.agent_key import MAX_AGENT_KEY_LENGTH
from runs.team.request_limits import MAX_REQUESTS_PER_MINUTE
from runs.team.retention import MAX_AGE_DAYS, MAX_KEPT_RUNS, RetentionLimits

# The value of `role` that removes a member.
REMOVE_MEMBER = "remove"
API_KEY_LIFETIMES = (("", "never"), ("30", "in 30 days"), ("90", "in 90 days"), ("365", "in a year"))
# Hours for which a replaced key stays valid.
API_KEY_GRACE_HOURS = (("1", "1 hour"), ("24", "1 day"), ("168", "7 days"), ("720", "30 days"))


class NewProjectForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """A new project: its name, and the slug for URLs and commands."""

    class Meta:
        model = Project
        fields = ["name", "slug"]
        error_messages: ClassVar = {"slug": {"unique": "Another project has this slug. Choose another one."}}


class ProjectNameForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """The name and the time zone of a project. The slug can't be changed. Without a time zone, it is kept."""

    time_zone = forms.CharField(max_length=64, required=False, label="Time zone")

    class Meta:
        model = Project
        fields = ["name", "time_zone"]

    def clean_time_zone(self) -> str:
        """Return the posted time zone, or that of the project if none was posted."""
        name: str = self.cleaned_data["time_zone"] or self.instance.time_zone
        if not is_known_timezone(name):
            raise forms.ValidationError(f"expected an IANA name such as Europe/Berlin, got '{name}'")
        return name


class AgentKeyForm(forms.Form):
    """The metadata key that names the agent of responses."""

    agent_metadata_key = forms.CharField(max_length=MAX_AGENT_KEY_LENGTH, label="Metadata key")


class RetentionForm(forms.Form):
    """The limits of one kind of runs; empty for none."""

    max_age_days = forms.IntegerField(min_value=1, max_value=MAX_AGE_DAYS, required=False, label="Days to keep")
    max_runs = forms.IntegerField(min_value=1, max_value=MAX_KEPT_RUNS, required=False, label="Runs to keep")

    @property
    def limits(self) -> RetentionLimits:
        """The limits of a valid form."""
        return RetentionLimits(self.cleaned_data["max_age_days"], self.cleaned_data["max_runs"])


class ApiKeyForm(forms.Form):
    """A new API key."""

    name = forms.CharField(max_length=100)
    description = forms.CharField(max_length=300, required=False)
    scopes = forms.MultipleChoiceField(choices=ApiKey.Scope.choices)
    query = forms.CharField(max_length=MAX_QUERY_LENGTH, required=False)
    expires_in_days = forms.TypedChoiceField(
        choices=API_KEY_LIFETIMES, required=False, coerce=lambda days: timedelta(days=int(days)), empty_value=None
    )


class ApiKeyReplacementForm(forms.Form):
    """How long a key stays valid beside the new one."""

    grace_hours = forms.TypedChoiceField(
        choices=API_KEY_GRACE_HOURS, coerce=lambda hours: timedelta(hours=int(hours)), label="Old key valid for"
    )


class RequestLimitForm(forms.Form):
    """The limit of requests a minute; empty for none."""

    max_requests = forms.IntegerField(
        min_value=1, max_value=MAX_REQUESTS_PER_MINUTE, required=False, label="Requests a minute"
    )


class NewMemberForm(forms.Form):
    """A new member: an existing user, or the name of one to be created."""

    name = forms.CharField(max_length=150)
    role = forms.ChoiceField(choices=Membership.Role.choices)


class MemberRoleForm(forms.Form):
    """The new role of a member, or `REMOVE_MEMBER`."""

    role = forms.ChoiceField(choices=[*Membership.Role.choices, (REMOVE_MEMBER, REMOVE_MEMBER)])

"""The forms of a project's settings."""

from __future__ import annotations

from datetime import timedelta

from django import forms

from runs.models import ApiKey, Membership, Project
from runs.responses.agent_key import MAX_AGENT_KEY_LENGTH

# The value of `role` that removes a member.
REMOVE_MEMBER = "remove"
API_KEY_LIFETIMES = (("", "never"), ("30", "in 30 days"), ("90", "in 90 days"), ("365", "in a year"))


class NewProjectForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """A new project: its name, and the slug for URLs and commands."""

    class Meta:
        model = Project
        fields = ["name", "slug"]


class ProjectNameForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """The name of a project. The slug can't be changed."""

    class Meta:
        model = Project
        fields = ["name"]


class AgentKeyForm(forms.Form):
    """The metadata key that names the agent of responses."""

    agent_metadata_key = forms.CharField(max_length=MAX_AGENT_KEY_LENGTH, label="Metadata key")


class ApiKeyForm(forms.Form):
    """A new API key."""

    name = forms.CharField(max_length=100)
    scopes = forms.MultipleChoiceField(choices=ApiKey.Scope.choices)
    expires_in_days = forms.TypedChoiceField(
        choices=API_KEY_LIFETIMES, required=False, coerce=lambda days: timedelta(days=int(days)), empty_value=None
    )


class NewMemberForm(forms.Form):
    """A new member: an existing user, or the name of one to be created."""

    name = forms.CharField(max_length=150)
    role = forms.ChoiceField(choices=Membership.Role.choices)


class MemberRoleForm(forms.Form):
    """The new role of a member, or `REMOVE_MEMBER`."""

    role = forms.ChoiceField(choices=[*Membership.Role.choices, (REMOVE_MEMBER, REMOVE_MEMBER)])

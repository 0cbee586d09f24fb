"""The form of a new link."""

from __future__ import annotations

from datetime import timedelta

from django import forms

from runs.models import ShareLink

SHARE_LINK_DAYS = (("1", "1 day"), ("7", "7 days"), ("30", "30 days"), ("90", "90 days"))
DEFAULT_SHARE_LINK_DAYS = "7"


class ShareLinkForm(forms.Form):
    """How long a new link opens, and what it leaves out."""

    days = forms.TypedChoiceField(
        choices=SHARE_LINK_DAYS, coerce=lambda days: timedelta(days=int(days)), label="Opens for"
    )
    left_out = forms.MultipleChoiceField(choices=ShareLink.Part.choices, required=False, label="Leave out")

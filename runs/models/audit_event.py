"""The audit log: sign-ins, refused API keys, deletions, and changes of keys, members and prices."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import ClassVar, Self

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.utils import timezone

from runs.db.keyset_pagination import is_after
from runs.models.project import Project
from runs.models.user import User

logger = logging.getLogger(__name__)

MAX_AUDIT_EVENTS = 50
# Failures are caused by strangers. They are deleted after this time, so that the table does not grow for ever.
FAILURE_RETENTION = timedelta(days=90)
_MAX_NAME_LENGTH = 150
_MAX_ACTION_LENGTH = 400
_MAX_ADDRESS_LENGTH = 45


class AuditEventQuerySet(models.QuerySet["AuditEvent"]):
    """Queries on audit events."""

    def newest(self, project: Project | None, category: str = "", before: int = 0) -> Self:
        """Return up to `MAX_AUDIT_EVENTS` events of `project`, or of the instance, the newest first.

        Args:
            project: the project; None for the instance.
            category: one of `AuditEvent.Category`; "" for all.
            before: the number of an event; only earlier ones are returned.
        """
        events = self.filter(project=project).order_by("-at", "-id")
        if category:
            events = events.filter(category=category)
        if before:
            at = self.filter(project=project, pk=before).values_list("at", flat=True).first()
            events = events.filter(is_after(("at", "id"), (at, before), descending=True)) if at else events.none()
        return events[:MAX_AUDIT_EVENTS]

    def record(
        self,
        project: Project | None,
        actor: AbstractBaseUser | AnonymousUser | str,
        action: str,
        *,
        category: str = "change",
        address: str = "",
    ) -> None:
        """Record an event in the table and in the log.

        Args:
            project: the project that it belongs to; None for events of the instance, such as sign-ins.
            actor: the user who did it, or a name: of an API key, or one that somebody typed.
            action: what was done. It completes a sentence that begins with the actor's name.
            category: one of `AuditEvent.Category`.
            address: the address of the client; "" for commands.
        """
        event = AuditEvent(
            project=project,
            user=actor if isinstance(actor, User) else None,
            user_name=clean_log_text(actor if isinstance(actor, str) else actor.get_username(), _MAX_NAME_LENGTH),
            action=clean_log_text(action, _MAX_ACTION_LENGTH),
            category=category,
            address=clean_log_text(address, _MAX_ADDRESS_LENGTH),
        )
        event.save(force_insert=True, using=self.db)
        place, origin = f" in {project.slug}" if project else "", f" from {event.address}" if event.address else ""
        logger.info("%s%s%s", event, place, origin, extra={"action": f"audit_{category}"})

    def has_sign_in_from(self, address: str, since: timedelta) -> bool:
        """Return whether somebody has signed in from `address` during the last `since`."""
        events = self.filter(category=AuditEvent.Category.SIGN_IN, address=address)
        return events.filter(at__gt=timezone.now() - since).exists()

    def delete_old_failures(self) -> None:
        """Delete failures after `FAILURE_RETENTION`."""
        self.filter(category__in=FAILURE_CATEGORIES, at__lt=timezone.now() - FAILURE_RETENTION).delete()


class AuditEvent(models.Model):
    """Something that was done or refused. Events are never changed, and keep the name of a deleted user."""

    class Category(models.TextChoices):
        """The kinds of events, by which the audit log can be filtered."""

        SIGN_IN = "sign_in", "Sign-ins"
        SIGN_IN_FAILURE = "sign_in_failure", "Failed sign-ins"
        KEY_FAILURE = "key_failure", "Refused API keys"
        API_KEY = "api_key", "API keys"
        MEMBER = "member", "Members"
        SHARING = "sharing", "Sharing"
        DELETION = "deletion", "Deletions"
        CHANGE = "change", "Other changes"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, null=True, related_name="audit_events")
    at = models.DateTimeField(auto_now_add=True)
    user = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    user_name = models.CharField(max_length=_MAX_NAME_LENGTH)
    action = models.CharField(
        max_length=_MAX_ACTION_LENGTH, help_text="Completes a sentence that begins with the user name"
    )
    category = models.CharField(max_length=20, choices=Category.choices, db_default=Category.CHANGE)
    address = models.CharField(max_length=_MAX_ADDRESS_LENGTH, blank=True, db_default="")

    objects = AuditEventQuerySet.as_manager()

    class Meta:
        db_table = "audit_event"
        indexes: ClassVar = [
            # newest events of a project, or of the instance
            models.Index(fields=["project", "-at"], name="audit_event_newest"),
            # `has_sign_in_from`
            models.Index(fields=["address", "-at"], condition=models.Q(category="sign_in"), name="audit_event_sign_in"),
            # `delete_old_failures`
            models.Index(
                fields=["at"],
                condition=models.Q(category__in=["sign_in_failure", "key_failure"]),
                name="audit_event_failure",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_name} {self.action}"


FAILURE_CATEGORIES = (AuditEvent.Category.SIGN_IN_FAILURE, AuditEvent.Category.KEY_FAILURE)


def clean_log_text(text: str, max_length: int) -> str:
    """Return `text` with at most `max_length` characters and without those that would forge or break a line."""
    cleaned = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
    return cleaned if len(cleaned) <= max_length else f"{cleaned[: max_length - 1]}…"

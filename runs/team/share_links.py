"""Making, opening and revoking links to single runs."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection
from datetime import timedelta

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from runs.errors import SharingDisabled
from runs.models import Project, Run, ShareLink, User
from runs.models.share_link import ShareLinkQuerySet

TOKEN_BYTES = 32  # 256 random bits need no slow hash
MAX_TOKEN_LENGTH = 100


@transaction.atomic
def create_share_link(
    project: Project, run: Run, maker: User, lifetime: timedelta, left_out: Collection[str] = ()
) -> tuple[ShareLink, str]:
    """Create a link to `run` that leaves parts out, and return it with its token, which can't be read again.

    Raises:
        Run.DoesNotExist: The run was deleted meanwhile.
        SharingDisabled: The project allows no links.
    """
    if not Project.objects.get_locked(project).is_sharing_enabled:
        raise SharingDisabled
    # locked, since deleting the run meanwhile would leave its link behind
    Run.objects.select_for_update().only("pk").get(pk=run.pk)
    token = secrets.token_urlsafe(TOKEN_BYTES)
    link = ShareLink.objects.create(
        project=project,
        run_id=run.pk,
        digest=_hash_token(token),
        maker=maker,
        maker_name=maker.get_username(),
        left_out=[part for part in ShareLink.Part.values if part in left_out],
        expires_at=timezone.now() + lifetime,
    )
    return link, token


def find_share_link(token: str) -> tuple[ShareLink, Run] | None:
    """Return the link with that token and its run; None if it opens nothing, for whatever reason."""
    if len(token) > MAX_TOKEN_LENGTH:
        return None
    link = ShareLink.objects.find_usable(_hash_token(token))
    run = None if link is None else Run.objects.filter(pk=link.run_id, project=link.project).first()
    if link is None or run is None:
        return None
    run.project = link.project
    return link, run


def record_use(link: ShareLink) -> None:
    """Count a use of `link`."""
    ShareLink.objects.filter(pk=link.pk).update(use_count=F("use_count") + 1, last_used_at=Now())


def revoke_share_links(links: ShareLinkQuerySet) -> int:
    """Revoke those of `links` that have not ended, and return how many these were."""
    return links.not_ended().update(revoked_at=timezone.now())


def set_sharing_enabled(project: Project, is_enabled: bool) -> bool:
    """Allow or forbid links of `project`, and return whether this is a change. Forbidden links open nothing."""
    changed = Project.objects.filter(pk=project.pk).exclude(is_sharing_enabled=is_enabled)
    return changed.update(is_sharing_enabled=is_enabled) > 0


def _hash_token(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="replace")).digest()

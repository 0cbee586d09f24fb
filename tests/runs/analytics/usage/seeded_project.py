"""A project with known runs, so that every number of a report can be recounted."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from runs.analytics.usage import UsageSums
from runs.enrichment.pricing import find_price
from runs.models import Project, Run
from tests import factories
from tests.factories import delete_run

NOW = datetime(2026, 11, 5, 9, 37, 12, 250_000, tzinfo=UTC)
ZONES = ("UTC", "Europe/Berlin", "Asia/Kolkata", "Asia/Kathmandu", "America/New_York", "Australia/Lord_Howe")
MODELS = ("gpt-4o", "gpt-4o-mini", "house-model", None)
ASSISTANTS = ("asst_a", "asst_b", "asst_c")
STATUSES = ("completed", "completed", "failed", "queued", "vendor_odd")
CUSTOMERS = ({"customer": "acme"}, {"customer": "globex"}, {"customer": ""}, {"other": "x"}, {})
DAYS = 64


@dataclass(frozen=True)
class Posted:
    """A run as it is after all posts."""

    id: str
    at: datetime
    model: str | None
    assistant: str
    status: str
    metadata: dict[str, str]
    usage: dict[str, Any] | None
    ended_at: datetime | None
    started_at: datetime | None
    has_functions: bool

    @property
    def sums(self) -> UsageSums:
        """The sums over this run."""
        usage = self.usage or {}
        prompt, completion = usage.get("prompt_tokens", 0), usage.get("completion_tokens", 0)
        cached = usage.get("prompt_tokens_details", {}).get("cached_tokens", 0)
        reasoning = usage.get("completion_tokens_details", {}).get("reasoning_tokens", 0)
        total, cost = usage.get("total_tokens", 0), self.cost
        return UsageSums(1, prompt, completion, total, cached, reasoning, cost or 0, total if cost is None else 0)

    @property
    def cost(self) -> int | None:
        """The cost in nano-dollars."""
        price = find_price(self.model, date(self.at.year, self.at.month, self.at.day))
        if price is None or not self.usage:
            return None
        estimate = price.estimate(
            self.usage.get("prompt_tokens"),
            self.usage.get("completion_tokens"),
            self.usage.get("prompt_tokens_details", {}).get("cached_tokens"),
        )
        return None if estimate is None else int(estimate.dollars * Decimal(1_000_000_000))


def _moments(rng: random.Random) -> list[datetime]:
    """Return random times, and the first and last seconds of days in each zone."""
    result = [NOW - timedelta(seconds=rng.randrange(DAYS * 86_400)) for _ in range(130)]
    for name in ZONES:
        for back in (0, 1, 7, 11, 29, 30):
            day = (NOW - timedelta(days=back)).astimezone(ZoneInfo(name)).date()
            midnight = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(name)).astimezone(UTC)
            result += [midnight, midnight - timedelta(seconds=1)]
    # around the change of clocks in Berlin and in New York, and a run of the future
    result += [datetime(2026, 10, 25, hour, minute, tzinfo=UTC) for hour in (0, 1, 2) for minute in (0, 30, 59)]
    result += [datetime(2026, 11, 1, hour, 0, tzinfo=UTC) for hour in (5, 6, 7)]
    return [item.replace(microsecond=0) for item in (*result, NOW + timedelta(hours=3))]


def _usage(rng: random.Random) -> dict[str, Any] | None:
    prompt, completion = rng.randrange(5000), rng.randrange(900)
    whole = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
    details = {
        "prompt_tokens_details": {"cached_tokens": prompt // 3},
        "completion_tokens_details": {"reasoning_tokens": completion // 2},
    }
    return rng.choice((None, whole, whole | details, {"total_tokens": prompt}))


def _object(rng: random.Random, at: datetime) -> dict[str, Any]:
    created, status = int(at.timestamp()), rng.choice(STATUSES)
    has_ended = status in ("completed", "failed")
    ended = created + 1 + rng.randrange(600)
    return factories.run_object(
        created_at=created,
        started_at=created + rng.randrange(20) if has_ended else None,
        completed_at=ended if status == "completed" else None,
        failed_at=ended if status == "failed" else None,
        last_error={"code": "server_error", "message": "no"} if status == "failed" else None,
        model=rng.choice(MODELS),
        assistant_id=rng.choice(ASSISTANTS),
        status=status,
        metadata=rng.choice(CUSTOMERS),
        usage=_usage(rng) if has_ended else None,
        tools=[] if created % 3 else [factories.function_tool("search_orders")],
    )


def seed(project: Project) -> list[Posted]:
    """Post, change, re-send and delete runs; return those that are left."""
    rng = random.Random(11)
    objects = [_object(rng, at) for at in _moments(rng)]
    factories.post(project, *objects)
    factories.post(factories.make_project("elsewhere"), *objects[:40])
    for index, posted in enumerate(objects):
        if posted["status"] == "queued" and index % 2:
            ended = posted["created_at"] + 30
            objects[index] = posted | {"status": "completed", "completed_at": ended, "usage": _usage(rng)}
    factories.post(project, *objects)
    factories.post(project, *rng.sample(objects, 40))
    gone = objects[::17]
    for posted in gone:
        delete_run(Run.objects.get(pk=project.record_id(posted["id"])))
    return [_posted(item) for item in objects if item not in gone]


def _posted(posted: dict[str, Any]) -> Posted:
    def moment(seconds: int | None) -> datetime | None:
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC)

    return Posted(
        posted["id"],
        datetime.fromtimestamp(posted["created_at"], UTC),
        posted["model"],
        posted["assistant_id"],
        posted["status"],
        posted["metadata"],
        posted["usage"],
        moment(posted["completed_at"] or posted["failed_at"]),
        moment(posted["started_at"]),
        bool(posted["tools"]),
    )

"""What the run list is asked in the benchmark that reads: addresses of the page, which REST takes too."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import urlencode

from tests.benchmarks.filled import DAYS, TAG


@dataclass(frozen=True, slots=True)
class Question:
    """A query, in which order it is listed, and how many rows stand before the page that is read."""

    words: str
    q: str = ""
    sort: str = ""
    behind: int = 0
    facets: bool = False  # whether those that a page reads after itself are asked for as well

    @property
    def name(self) -> str:
        """As the table of results has it."""
        extra = f" · sort={self.sort}" if self.sort else ""
        return f"{self.words}: {self.q}{extra}" if self.q else f"{self.words}{extra}"

    def address(self, **more: str) -> str:
        """The query string, with `more` parameters."""
        given = {"q": self.q, "sort": self.sort, **more}
        return urlencode({name: value for name, value in given.items() if value})


# What they ask for are the demo generator's own values.
_LIST = (
    Question("newest", facets=True),
    Question("page 1,000", behind=999 * 50),
)
_KINDS = (
    Question("status, common", "status:completed"),
    Question("status", "status:failed", facets=True),
    Question("status, rare", "status:in_progress"),
    Question("any but common", "-status:completed"),
    Question("any but all that end", "-status:completed,failed,incomplete,cancelled,expired"),
    Question("model", "model:gpt-4o"),
    Question("model, pattern", "model:gpt-4o*"),
    Question("assistant", "assistant:asst_4kTzq8WmUe1LrYc0PvNhJxSb"),
    Question("id, beginning", "id:run_a*"),
    Question("error code", "error:rate_limit_exceeded"),
    Question("error code, pattern", "error:*_exceeded"),
    Question("error text", 'error:"connection reset"'),
    Question("error text, never", "error_message:zzqx"),
    Question("reason", "reason:max_completion_tokens"),
    Question("revision", "revision:azure"),
    Question("revision, all", "revision:v2"),
    Question("tokens", "total_tokens:>10k"),
    Question("tokens, rare", "total_tokens:>1M"),
    Question("tokens, few", "total_tokens:<300"),
    Question("no tokens", "-total_tokens:*"),
    Question("prompt tokens", "prompt_tokens:>5k"),
    Question("prompt tokens, rare", "prompt_tokens:>1M"),
    Question("completion tokens", "completion_tokens:>500"),
    Question("completion tokens, rare", "completion_tokens:>1M"),
    Question("cached tokens", "cached_tokens:>0"),
    Question("cached tokens, rare", "cached_tokens:>1M"),
    Question("reasoning tokens", "reasoning_tokens:>0"),
    Question("reasoning tokens, rare", "reasoning_tokens:>1M"),
    Question("duration", "duration:>30s"),
    Question("duration, rare", "duration:>2h"),
    Question("no duration", "-duration:*"),
    Question("queue", "queue:>5s"),
    Question("queue, rare", "queue:>2h"),
    Question("created", "created:-7d"),
    Question("created, old", "created:<-80d"),
    Question("started, old", "started:<-80d"),
    Question("not started", "-started:*"),
    Question("ended, old", "ended:<-80d"),
    Question("received", "received:-1d"),
    Question("received, none", "received:<2020-01-01"),
    Question("metadata, common", "metadata.env:prod"),
    Question("metadata", "metadata.customer:oscorp", facets=True),
    Question("metadata, old", "metadata.release:{old_release}"),
    Question("metadata, rare and old", "metadata.ticket:{old_ticket}", facets=True),
    Question("metadata, never", "metadata.customer:nobody"),
    Question("metadata key", "metadata.experiment:*"),
    Question("metadata without key", "-metadata.env:*"),
    Question("metadata, pattern", "metadata.customer:os*"),
    Question("metadata, rare pattern", "metadata.ticket:5000*"),
    Question("metadata, never pattern", "metadata.customer:zz*"),
    Question("tag, old", f"tag:{TAG}", facets=True),
    Question("tag, never", "tag:nothing"),
    Question("kind of tool", "tool:file_search"),
    Question("function called", "function:lookup_order"),
    Question("function, never", "function:abc"),
    Question("function, pattern", "function:lookup_*"),
    Question("function, never pattern", "function:abc*"),
    Question("no function", "-function:*"),
    Question("function defined", "defines:lookup_order"),
    Question("function awaited", "awaiting:*"),
    Question("instructions", 'instructions:"refund"'),
    Question("instructions, never", 'instructions:"zzqx"'),
    Question("configuration", "configuration:0000"),
    Question("words", "timed out", facets=True),
    Question("words, common", "order"),
    Question("words, never", "zzqxzzqx"),
)
_COMBINATIONS = (
    Question("two", "status:failed model:gpt-4o"),
    Question("two", "status:completed model:gpt-4o"),
    Question("two", "status:failed metadata.customer:oscorp"),
    Question("two", "model:gpt-4o error:rate_limit_exceeded"),
    Question("two", "assistant:asst_4kTzq8WmUe1LrYc0PvNhJxSb status:failed"),
    Question("two", "function:lookup_order status:failed"),
    Question("two", "duration:>30s model:gpt-4o"),
    Question("two", "total_tokens:>10k status:failed"),
    Question("two", "metadata.customer:oscorp metadata.env:staging"),
    Question("two", "created:-7d status:failed"),
    Question("two", "created:-7d metadata.customer:oscorp"),
    Question("two, either", "status:expired OR error:rate_limit_exceeded"),
    Question("two, old", "created:<-80d status:failed"),
    Question("two, old", "created:<-80d metadata.customer:oscorp"),
    Question("two, old", "metadata.release:{old_release} status:failed"),
    Question("two, old", f"tag:{TAG} status:failed"),
    Question("two, never", "model:gpt-4o assistant:asst_nobody"),
    Question("two, never", "status:failed error:nothing_known"),
    Question("three", "status:failed model:gpt-4o created:-30d"),
)
_SORTED = (
    Question("sorted", sort="-duration"),
    Question("sorted", sort="duration"),
    Question("sorted", sort="tokens"),
    Question("sorted", sort="cost"),
    Question("sorted", sort="-cost"),
    Question("sorted", sort="cost", behind=99 * 50),
    Question("sorted", sort="-tokens", behind=999 * 50),
    Question("sorted, filtered", "status:failed", sort="-duration"),
    Question("sorted, filtered", "status:failed", sort="duration"),
    Question("sorted, filtered", "status:completed", sort="-duration"),
    Question("sorted, filtered", "model:gpt-4o", sort="-tokens"),
    Question("sorted, filtered", "metadata.customer:oscorp", sort="-tokens"),
    Question("sorted, filtered", "metadata.ticket:{old_ticket}", sort="-tokens"),
    Question("sorted, filtered", "error:rate_limit_exceeded", sort="-duration"),
    Question("sorted, filtered", "created:-7d", sort="-duration"),
    Question("sorted, filtered", "created:-1h", sort="-tokens"),
    Question("sorted, filtered", "created:-7d status:failed", sort="-tokens"),
    Question("sorted, filtered", "status:failed", sort="cost"),
    Question("sorted, filtered", "status:completed", sort="cost"),
    Question("sorted, filtered", "metadata.customer:oscorp", sort="cost"),
    Question("sorted, filtered", "model:gpt-4o", sort="tokens"),
    Question("sorted, filtered", "function:lookup_order", sort="-duration"),
    Question("sorted, filtered", "total_tokens:>10k", sort="duration"),
    Question("sorted, filtered", "zzqxzzqx", sort="-duration"),
)


def questions(newest: datetime) -> list[Question]:
    """All of them, for runs that were made in the `DAYS` before `newest`."""
    old = newest - timedelta(days=DAYS - 3)
    values = {
        "old_release": f"{old.year}.{old.month}.{old.day // 7 + 1}",
        "old_ticket": str(40_000 + int(old.timestamp()) // 900 % 30_000),
    }
    return [replace(each, q=each.q.format(**values)) for each in (*_LIST, *_KINDS, *_COMBINATIONS, *_SORTED)]

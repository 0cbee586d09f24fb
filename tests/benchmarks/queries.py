"""The queries of the run list benchmark, which are the same for the page and the REST API."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import urlencode

from tests.benchmarks.dataset import DAYS, TAG


@dataclass(frozen=True, slots=True)
class BenchmarkQuery:
    """A query with its order, and the number of rows before the page to read."""

    label: str
    q: str = ""
    sort: str = ""
    offset: int = 0
    has_facets: bool = False  # whether to measure the facets of the page as well

    @property
    def name(self) -> str:
        """The name in the table of results."""
        extra = f" · sort={self.sort}" if self.sort else ""
        return f"{self.label}: {self.q}{extra}" if self.q else f"{self.label}{extra}"

    def query_string(self, **extra: str) -> str:
        """Return the query string with `extra` parameters."""
        params = {"q": self.q, "sort": self.sort, **extra}
        return urlencode({name: value for name, value in params.items() if value})


# The values are those of the demo generator.
_LIST = (
    BenchmarkQuery("newest", has_facets=True),
    BenchmarkQuery("page 1,000", offset=999 * 50),
)
_FILTERS = (
    BenchmarkQuery("status, common", "status:completed"),
    BenchmarkQuery("status", "status:failed", has_facets=True),
    BenchmarkQuery("status, rare", "status:in_progress"),
    BenchmarkQuery("any but common", "-status:completed"),
    BenchmarkQuery("any but all that end", "-status:completed,failed,incomplete,cancelled,expired"),
    BenchmarkQuery("model", "model:gpt-4o"),
    BenchmarkQuery("model, pattern", "model:gpt-4o*"),
    BenchmarkQuery("assistant", "assistant:asst_4kTzq8WmUe1LrYc0PvNhJxSb"),
    BenchmarkQuery("id, beginning", "id:run_a*"),
    BenchmarkQuery("error code", "error:rate_limit_exceeded"),
    BenchmarkQuery("error code, pattern", "error:*_exceeded"),
    BenchmarkQuery("error text", 'error:"connection reset"'),
    BenchmarkQuery("error text, never", "error_message:zzqx"),
    BenchmarkQuery("reason", "reason:max_completion_tokens"),
    BenchmarkQuery("revision", "revision:azure"),
    BenchmarkQuery("revision, all", "revision:v2"),
    BenchmarkQuery("tokens", "total_tokens:>10k"),
    BenchmarkQuery("tokens, rare", "total_tokens:>1M"),
    BenchmarkQuery("tokens, few", "total_tokens:<300"),
    BenchmarkQuery("no tokens", "-total_tokens:*"),
    BenchmarkQuery("prompt tokens", "prompt_tokens:>5k"),
    BenchmarkQuery("prompt tokens, rare", "prompt_tokens:>1M"),
    BenchmarkQuery("completion tokens", "completion_tokens:>500"),
    BenchmarkQuery("completion tokens, rare", "completion_tokens:>1M"),
    BenchmarkQuery("cached tokens", "cached_tokens:>0"),
    BenchmarkQuery("cached tokens, rare", "cached_tokens:>1M"),
    BenchmarkQuery("reasoning tokens", "reasoning_tokens:>0"),
    BenchmarkQuery("reasoning tokens, rare", "reasoning_tokens:>1M"),
    BenchmarkQuery("duration", "duration:>30s"),
    BenchmarkQuery("duration, rare", "duration:>2h"),
    BenchmarkQuery("no duration", "-duration:*"),
    BenchmarkQuery("queue", "queue:>5s"),
    BenchmarkQuery("queue, rare", "queue:>2h"),
    BenchmarkQuery("created", "created:-7d"),
    BenchmarkQuery("created, old", "created:<-80d"),
    BenchmarkQuery("started, old", "started:<-80d"),
    BenchmarkQuery("not started", "-started:*"),
    BenchmarkQuery("ended, old", "ended:<-80d"),
    BenchmarkQuery("received", "received:-1d"),
    BenchmarkQuery("received, none", "received:<2020-01-01"),
    BenchmarkQuery("metadata, common", "metadata.env:prod"),
    BenchmarkQuery("metadata", "metadata.customer:oscorp", has_facets=True),
    BenchmarkQuery("metadata, old", "metadata.release:{old_release}"),
    BenchmarkQuery("metadata, rare and old", "metadata.ticket:{old_ticket}", has_facets=True),
    BenchmarkQuery("metadata, never", "metadata.customer:nobody"),
    BenchmarkQuery("metadata key", "metadata.experiment:*"),
    BenchmarkQuery("metadata without key", "-metadata.env:*"),
    BenchmarkQuery("metadata, pattern", "metadata.customer:os*"),
    BenchmarkQuery("metadata, rare pattern", "metadata.ticket:5000*"),
    BenchmarkQuery("metadata, never pattern", "metadata.customer:zz*"),
    BenchmarkQuery("tag, old", f"tag:{TAG}", has_facets=True),
    BenchmarkQuery("tag, never", "tag:nothing"),
    BenchmarkQuery("kind of tool", "tool:file_search"),
    BenchmarkQuery("function called", "function:lookup_order"),
    BenchmarkQuery("function, never", "function:abc"),
    BenchmarkQuery("function, pattern", "function:lookup_*"),
    BenchmarkQuery("function, never pattern", "function:abc*"),
    BenchmarkQuery("no function", "-function:*"),
    BenchmarkQuery("function defined", "defines:lookup_order"),
    BenchmarkQuery("pending function", "awaiting:*"),
    BenchmarkQuery("instructions", 'instructions:"refund"'),
    BenchmarkQuery("instructions, never", 'instructions:"zzqx"'),
    BenchmarkQuery("configuration", "configuration:0000"),
    BenchmarkQuery("words", "timed out", has_facets=True),
    BenchmarkQuery("words, common", "order"),
    BenchmarkQuery("words, never", "zzqxzzqx"),
)
_CONTENT = (
    BenchmarkQuery("said, common", "said:order", has_facets=True),
    BenchmarkQuery("said, some", "said:我想退货"),
    BenchmarkQuery("said, some", "said:harfiyle"),
    BenchmarkQuery("said, more", "said:warranty"),
    BenchmarkQuery("said, never", "said:zzqxzzqx"),
    BenchmarkQuery("said, too short for the index", "said:ok"),
    BenchmarkQuery("not said", "-said:order"),
    BenchmarkQuery("asked, common", "asked:order"),
    BenchmarkQuery("answered, never", "answered:zzqxzzqx"),
    BenchmarkQuery("arguments, common", "arguments:order"),
    BenchmarkQuery("arguments, never", "arguments:zzqxzzqx"),
    BenchmarkQuery("output, common", "output:status"),
    BenchmarkQuery("output, never", "output:zzqxzzqx"),
    BenchmarkQuery("call, never", "call:call_nothing"),
    BenchmarkQuery("step, never", "step:step_nothing"),
    BenchmarkQuery("said and status", "status:failed said:order"),
    BenchmarkQuery("said and time", "created:-7d said:order"),
)
_COMBINATIONS = (
    BenchmarkQuery("two", "status:failed model:gpt-4o"),
    BenchmarkQuery("two", "status:completed model:gpt-4o"),
    BenchmarkQuery("two", "status:failed metadata.customer:oscorp"),
    BenchmarkQuery("two", "model:gpt-4o error:rate_limit_exceeded"),
    BenchmarkQuery("two", "assistant:asst_4kTzq8WmUe1LrYc0PvNhJxSb status:failed"),
    BenchmarkQuery("two", "function:lookup_order status:failed"),
    BenchmarkQuery("two", "duration:>30s model:gpt-4o"),
    BenchmarkQuery("two", "total_tokens:>10k status:failed"),
    BenchmarkQuery("two", "metadata.customer:oscorp metadata.env:staging"),
    BenchmarkQuery("two", "created:-7d status:failed"),
    BenchmarkQuery("two", "created:-7d metadata.customer:oscorp"),
    BenchmarkQuery("two, either", "status:expired OR error:rate_limit_exceeded"),
    BenchmarkQuery("two, old", "created:<-80d status:failed"),
    BenchmarkQuery("two, old", "created:<-80d metadata.customer:oscorp"),
    BenchmarkQuery("two, old", "metadata.release:{old_release} status:failed"),
    BenchmarkQuery("two, old", f"tag:{TAG} status:failed"),
    BenchmarkQuery("two, never", "model:gpt-4o assistant:asst_nobody"),
    BenchmarkQuery("two, never", "status:failed error:nothing_known"),
    BenchmarkQuery("three", "status:failed model:gpt-4o created:-30d"),
)
_SORTED = (
    BenchmarkQuery("sorted", sort="-duration"),
    BenchmarkQuery("sorted", sort="duration"),
    BenchmarkQuery("sorted", sort="tokens"),
    BenchmarkQuery("sorted", sort="cost"),
    BenchmarkQuery("sorted", sort="-cost"),
    BenchmarkQuery("sorted", sort="cost", offset=99 * 50),
    BenchmarkQuery("sorted", sort="-tokens", offset=999 * 50),
    BenchmarkQuery("sorted, filtered", "status:failed", sort="-duration"),
    BenchmarkQuery("sorted, filtered", "status:failed", sort="duration"),
    BenchmarkQuery("sorted, filtered", "status:completed", sort="-duration"),
    BenchmarkQuery("sorted, filtered", "model:gpt-4o", sort="-tokens"),
    BenchmarkQuery("sorted, filtered", "metadata.customer:oscorp", sort="-tokens"),
    BenchmarkQuery("sorted, filtered", "metadata.ticket:{old_ticket}", sort="-tokens"),
    BenchmarkQuery("sorted, filtered", "error:rate_limit_exceeded", sort="-duration"),
    BenchmarkQuery("sorted, filtered", "created:-7d", sort="-duration"),
    BenchmarkQuery("sorted, filtered", "created:-1h", sort="-tokens"),
    BenchmarkQuery("sorted, filtered", "created:-7d status:failed", sort="-tokens"),
    BenchmarkQuery("sorted, filtered", "status:failed", sort="cost"),
    BenchmarkQuery("sorted, filtered", "status:completed", sort="cost"),
    BenchmarkQuery("sorted, filtered", "metadata.customer:oscorp", sort="cost"),
    BenchmarkQuery("sorted, filtered", "model:gpt-4o", sort="tokens"),
    BenchmarkQuery("sorted, filtered", "function:lookup_order", sort="-duration"),
    BenchmarkQuery("sorted, filtered", "total_tokens:>10k", sort="duration"),
    BenchmarkQuery("sorted, filtered", "zzqxzzqx", sort="-duration"),
)


def build_queries(newest: datetime) -> list[BenchmarkQuery]:
    """Return all queries, for runs of the `DAYS` before `newest`."""
    old = newest - timedelta(days=DAYS - 3)
    values = {
        "old_release": f"{old.year}.{old.month}.{old.day // 7 + 1}",
        "old_ticket": str(40_000 + int(old.timestamp()) // 900 % 30_000),
    }
    return [
        replace(query, q=query.q.format(**values)) for query in (*_LIST, *_FILTERS, *_CONTENT, *_COMBINATIONS, *_SORTED)
    ]

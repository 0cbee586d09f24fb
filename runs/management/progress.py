"""The progress bar of long commands: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

from typing import Any, TextIO

from tqdm import tqdm

LINE_INTERVAL = 5.0  # seconds between two lines where there is no terminal


class ProgressBar(tqdm):  # type: ignore[type-arg] # not generic at run time
    """A progress bar that shows the amount, the remaining time and `details`.

    If `stream` is not a terminal, the bar becomes a line every few seconds.

    Args:
        stream: The stream to write to.
        unit: The counted unit, with a space before it, or `B` for bytes.
        label: A text before the bar.
        total: The amount at the end, None if it is not known.
        announce: Whether the first line is written at once, even if everything is done within seconds.
        is_enabled: False to show nothing.
    """

    def __init__(
        self,
        stream: TextIO,
        unit: str,
        *,
        label: str | None = None,
        total: int | None = None,
        announce: bool = False,
        is_enabled: bool = True,
    ) -> None:
        self._has_terminal = stream.isatty()
        options: dict[str, Any] = {"file": stream}
        if not self._has_terminal:
            options = {
                "file": _LineStream(stream),
                "mininterval": LINE_INTERVAL,
                "miniters": 0,
                "delay": 0 if announce else LINE_INTERVAL,
            }
        desc = f"{label}: " if label else None
        super().__init__(desc=desc, total=total, unit=unit, unit_scale=unit == "B", disable=not is_enabled, **options)

    @property
    def format_dict(self) -> dict[str, Any]:
        """The values that tqdm formats, with a format without a bar where there is no terminal."""
        values = dict(super().format_dict)
        if not self._has_terminal:
            has_total = "{desc}{n_fmt} of {total_fmt}{unit}, {percentage:.0f}%, {remaining} left{postfix}"
            values["bar_format"] = has_total if self.total else "{desc}{n_fmt}{unit}{postfix}"
        return values

    def show(self, done: int, total: int | None = None, details: str = "") -> None:
        """Show that `done` of `total` is done. Without `total`, the previous one stays."""
        if total is not None:
            self.total = total
        self.set_postfix_str(details, refresh=False)
        self.update(done - self.n)


class _LineStream:
    """A stream on which every change of a bar becomes a line of its own."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._last_line = ""

    def write(self, text: str) -> None:
        line = text.strip("\r\n ")
        if line and line != self._last_line:
            self._stream.write(f"{line}\n")
            self._last_line = line

    def flush(self) -> None:
        self._stream.flush()

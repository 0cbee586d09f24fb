// Keeps relative times current, or shows exact times instead, as the account menu says.
// <time datetime="…Z" title="20 Nov 2026, 15:27:54 CET · 14:27:54 UTC" data-when>4 min ago</time>; the format is that of
// dashboard/ui/formats.py. The title begins with the exact time in the time zone of the reader.

import { preference } from "./preferences.js";

const UNITS = [
  [86_400, "d"],
  [3_600, "h"],
  [60, "min"],
];

function formatRelative(then, now) {
  const seconds = Math.floor(Math.abs(now - then) / 1000);
  const [length, unit] = UNITS.find(([length]) => seconds >= length) ?? [1, "s"];
  const text = `${Math.floor(seconds / length)} ${unit}`;
  return then > now && seconds ? `in ${text}` : `${text} ago`;
}

function refresh() {
  const now = new Date();
  const absolute = preference("times") === "absolute";
  for (const element of document.querySelectorAll("time[data-when]")) {
    const then = new Date(element.dateTime);
    if (Number.isNaN(then.valueOf())) continue;
    const text = absolute ? element.title.split(" · ")[0] : formatRelative(then, now);
    if (element.textContent !== text) element.textContent = text;
  }
}

setInterval(() => document.hidden || refresh(), 5_000);
document.addEventListener("visibilitychange", () => document.hidden || refresh());
document.addEventListener("preference", refresh);
document.addEventListener("htmx:afterSettle", refresh);
document.addEventListener("htmx:historyRestore", refresh);
refresh();

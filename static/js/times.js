// Keeps relative times current and adds the local time to the titles of times.
// <time datetime="…Z" data-when>4 min ago</time>; the format is that of dashboard/ui/formats.py.

import { preference } from "./preferences.js";

const UNITS = [
  [86_400, "d"],
  [3_600, "h"],
  [60, "min"],
];
const LOCAL = new Intl.DateTimeFormat("sv", { dateStyle: "short", timeStyle: "medium" });

function formatRelative(then, now) {
  const seconds = Math.floor(Math.abs(now - then) / 1000);
  const [length, unit] = UNITS.find(([length]) => seconds >= length) ?? [1, "s"];
  const text = `${Math.floor(seconds / length)} ${unit}`;
  return then > now && seconds ? `in ${text}` : `${text} ago`;
}

const formatUtc = (then) => `${then.toISOString().slice(0, 19).replace("T", " ")} UTC`;

// The local date is included only if it differs from the date in UTC.
function formatTitle(then) {
  const utc = formatUtc(then);
  const [day, time] = LOCAL.format(then).split(" ");
  return `${utc} · ${utc.startsWith(day) ? time : `${day} ${time}`} local`;
}

function refresh() {
  const now = new Date();
  const absolute = preference("times") === "absolute";
  for (const element of document.querySelectorAll("time[data-when], time[data-exact]")) {
    const then = new Date(element.dateTime);
    if (Number.isNaN(then.valueOf())) continue;
    element.title = formatTitle(then);
    if (!("when" in element.dataset)) continue;
    const text = absolute ? formatUtc(then) : formatRelative(then, now);
    if (element.textContent !== text) element.textContent = text;
  }
}

setInterval(() => document.hidden || refresh(), 5_000);
document.addEventListener("visibilitychange", () => document.hidden || refresh());
document.addEventListener("preference", refresh);
document.addEventListener("htmx:afterSettle", refresh);
document.addEventListener("htmx:historyRestore", refresh);
refresh();

// Sends the time zone of the reader to the server, which shows all times in it and reads the times of forms in it: that of
// the browser, or UTC, or none, which leaves the choice to the project.

import { preference } from "./preferences.js";

const { pathname } = new URL("../..", import.meta.url); // of the site, which may be below another one's

const chosenZone = () => {
  const choice = preference("zone");
  return choice === "" ? Intl.DateTimeFormat().resolvedOptions().timeZone : choice === "project" ? "" : choice;
};

// Returns whether the server will use another time zone from the next page on.
function send() {
  const zone = chosenZone();
  const sent = document.cookie.split("; ").find((cookie) => cookie.startsWith("timezone="));
  if ((sent ?? "timezone=") === `timezone=${zone}`) return false;
  const secure = location.protocol === "https:" ? "; secure" : "";
  const age = zone ? 31_536_000 : 0;
  document.cookie = `timezone=${zone}; path=${pathname}; max-age=${age}; samesite=lax${secure}`;
  return true;
}

document.addEventListener("preference", ({ detail }) => {
  if (detail.name === "zone" && send()) location.reload();
});
send();

// Formats a time for a field of type datetime-local, in the time zone of the page: 2026-11-20T15:27:54.
export function formatLocal(date) {
  const timeZone = document.documentElement.dataset.timezone;
  return new Intl.DateTimeFormat("sv", { timeZone, dateStyle: "short", timeStyle: "medium" }).format(date).replace(" ", "T");
}

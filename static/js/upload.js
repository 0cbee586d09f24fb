// The progress of an upload: <form data-upload> has a <progress>, which shows how much was sent.

import { announce } from "./announce.js";

document.addEventListener("htmx:xhr:progress", ({ target, detail }) => {
  const bar = target.closest?.("[data-upload]")?.querySelector("progress");
  if (!bar || !detail.lengthComputable) return;
  bar.hidden = false;
  bar.value = (100 * detail.loaded) / detail.total;
  if (detail.loaded === detail.total) bar.removeAttribute("value"); // sent, and now being imported
});

document.addEventListener("htmx:beforeRequest", ({ target }) => {
  if (target.matches?.("[data-upload]")) announce("Importing");
});

// HTMX requests: polls pause in hidden tabs, and a failed request shows a message above its target.

import { announce } from "./announce.js";

// Details stay open or closed when an update is morphed into the page.
if (window.Idiomorph) {
  Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, element) =>
    !(name === "open" && element.matches("details"));
}

const isPoll = (element) => /\bevery\b/.test(element.getAttribute("hx-trigger") ?? "");

function buildFailure(message, retry) {
  const note = document.createElement("div");
  note.className = "note after";
  note.dataset.status = "failed";
  note.dataset.failure = "";
  const text = document.createElement("p");
  text.textContent = `${message} The page shows earlier data. `;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "btn";
  button.textContent = "Try again";
  button.addEventListener("click", retry);
  text.append(button);
  note.append(text);
  return note;
}

// Polls fail silently, since they are repeated anyway.
function reportFailure({ detail }, message) {
  const { elt, target, requestConfig } = detail;
  if (isPoll(elt)) return;
  clearFailure(target);
  const { verb, path } = requestConfig;
  const note = buildFailure(message, () => {
    note.remove();
    if (verb === "get") htmx.ajax(verb, path, { source: elt, target });
    else location.reload();
  });
  if (target === document.body) target.prepend(note);
  else target.before(note);
  announce(message);
}

function clearFailure(target) {
  const note = target?.previousElementSibling;
  if (note?.matches("[data-failure]")) note.remove();
}

document.addEventListener("htmx:beforeRequest", (event) => {
  if (document.hidden && isPoll(event.detail.elt)) event.preventDefault();
});
document.addEventListener("htmx:responseError", (event) =>
  reportFailure(event, `The server returned an error (${event.detail.xhr.status}).`),
);
document.addEventListener("htmx:sendError", (event) => reportFailure(event, "The server could not be reached."));
document.addEventListener("htmx:timeout", (event) => reportFailure(event, "The server did not respond in time."));
document.addEventListener("htmx:beforeSwap", ({ detail }) => detail.shouldSwap && clearFailure(detail.target));

// The element that sent a request may be swapped out before the response arrives. HTMX would then look for the targets
// of out-of-band swaps in the detached tree of that element, so the target sends the request again.
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const { elt, requestConfig, target, pathInfo } = detail;
  const sender = requestConfig.elt ?? elt;
  if (sender.isConnected || !target.isConnected || requestConfig.verb !== "get" || !detail.shouldSwap) return;
  detail.shouldSwap = false;
  htmx.ajax("get", pathInfo.finalRequestPath, { source: target, target });
});

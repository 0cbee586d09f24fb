// Live fragments rest in hidden tabs, and a request that failed says so above what it would have replaced.

import { announce } from "./announce.js";

const polls = (element) => /\bevery\b/.test(element.getAttribute("hx-trigger") ?? "");

function failure(sentence, retry) {
  const note = document.createElement("div");
  note.className = "note after";
  note.dataset.status = "failed";
  note.dataset.failure = "";
  const text = document.createElement("p");
  text.textContent = `${sentence} What you see is from before. `;
  const again = document.createElement("button");
  again.type = "button";
  again.className = "btn";
  again.textContent = "Try again";
  again.addEventListener("click", retry);
  text.append(again);
  note.append(text);
  return note;
}

// A poll comes again by itself, so it fails silently.
function report({ detail }, sentence) {
  const { elt, target, requestConfig } = detail;
  if (polls(elt)) return;
  clear(target);
  const { verb, path } = requestConfig;
  const note = failure(sentence, () => {
    note.remove();
    if (verb === "get") htmx.ajax(verb, path, { source: elt, target });
    else location.reload();
  });
  if (target === document.body) target.prepend(note);
  else target.before(note);
  announce(sentence);
}

function clear(target) {
  const note = target?.previousElementSibling;
  if (note?.matches("[data-failure]")) note.remove();
}

document.addEventListener("htmx:beforeRequest", (event) => {
  if (document.hidden && polls(event.detail.elt)) event.preventDefault();
});
document.addEventListener("htmx:responseError", (event) =>
  report(event, `The server answered with an error (${event.detail.xhr.status}).`),
);
document.addEventListener("htmx:sendError", (event) => report(event, "The server could not be reached."));
document.addEventListener("htmx:timeout", (event) => report(event, "The server took too long."));
document.addEventListener("htmx:beforeSwap", ({ detail }) => detail.shouldSwap && clear(detail.target));

// Who asked may be swapped out before the answer comes, such as a facet by newer ones. What the answer has for other
// places would then be looked for beside the asker, outside of the page, so its target asks again.
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const { elt, requestConfig, target, pathInfo } = detail;
  const asker = requestConfig.elt ?? elt;
  if (asker.isConnected || !target.isConnected || requestConfig.verb !== "get" || !detail.shouldSwap) return;
  detail.shouldSwap = false;
  htmx.ajax("get", pathInfo.finalRequestPath, { source: target, target });
});

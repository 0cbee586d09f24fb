// All scripts listen on the document, so swapped fragments need no initialization.
import "./preferences.js";
import "./announce.js";
import "./menus.js";
import "./flash.js";
import "./times.js";
import "./zone.js";
import "./copy.js";
import "./live.js";
import "./runs.js";
import "./brush.js";
import "./selection.js";
import "./peek.js";
import "./columns.js";
import "./views.js";
import "./query-field.js";
import "./keyboard.js";
import "./palette.js";

// Modules of single pages are imported where an element of theirs is, also if a fragment has brought it.
const MODULES = {
  "[data-sign-in]": () => import("./sign-in.js"),
  "[data-upload]": () => import("./upload.js"),
  "#run-header, .toc, [data-unfold], [data-filter]": () => import("./run.js"),
  ".wf": () => import("./timeline.js"),
  "#raw": () => import("./raw.js"),
};

function importModules() {
  for (const [selector, load] of Object.entries(MODULES)) if (document.querySelector(selector)) load();
}

document.addEventListener("htmx:afterSettle", importModules);
importModules();

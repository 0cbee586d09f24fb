// The list of runs: whether it asks for what is new.

import { announce } from "./announce.js";
import { preference } from "./preferences.js";

const off = () => preference("live") === "off";

document.addEventListener("htmx:beforeRequest", (event) => {
  const { elt } = event.detail;
  if (elt.id === "new-runs" && off()) event.preventDefault();
});
document.addEventListener("preference", ({ detail }) => {
  if (detail.name === "live") announce(off() ? "Live is off" : "Live is on");
});

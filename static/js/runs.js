// The Live switch of the run list, which stops the poll for new runs.

import { announce } from "./announce.js";
import { preference } from "./preferences.js";

const isLiveOff = () => preference("live") === "off";

document.addEventListener("htmx:beforeRequest", (event) => {
  const { elt } = event.detail;
  if (elt.id === "new-runs" && isLiveOff()) event.preventDefault();
});
document.addEventListener("preference", ({ detail }) => {
  if (detail.name === "live") announce(isLiveOff() ? "Live updates are off" : "Live updates are on");
});

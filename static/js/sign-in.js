// On the sign-in page nobody is signed in. What htmx remembers of the pages before does not outlive the session.

import { forgetRecent } from "./recent-searches.js";

if (document.querySelector("[data-sign-in]")) {
  forgetRecent();
  try {
    sessionStorage.clear();
  } catch {
    // Storage may be blocked. Then it holds nothing.
  }
}

// One polite live region for all of the page.

// Clearing first makes screen readers speak the same sentence twice when it happens twice.
export function announce(sentence) {
  const region = document.getElementById("announce");
  if (!region) return;
  region.textContent = "";
  setTimeout(() => (region.textContent = sentence), 50);
}

// The server can speak too: `HX-Trigger: {"announce": "12 new runs"}`.
document.addEventListener("announce", ({ detail }) => announce(detail.value));

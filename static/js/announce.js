// Announcements for screen readers, in one polite live region per page.

// Clearing the region first makes screen readers repeat a message that occurs twice.
export function announce(message) {
  const region = document.getElementById("announce");
  if (!region) return;
  region.textContent = "";
  setTimeout(() => (region.textContent = message), 50);
}

// The server triggers announcements, too: `HX-Trigger: {"announce": {"value": "12 new runs"}}`.
document.addEventListener("announce", ({ detail }) => announce(detail.value));

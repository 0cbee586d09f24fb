// Marks the current tab of saved views. Tabs stay when filters change; the swapped #list-state names the current view.

function markCurrentTab() {
  const current = document.getElementById("list-state")?.dataset.view ?? "";
  for (const tab of document.querySelectorAll("#views [data-view]")) {
    if (tab.dataset.view === current) tab.setAttribute("aria-current", "page");
    else tab.removeAttribute("aria-current");
  }
}

document.addEventListener("htmx:afterSettle", markCurrentTab);
document.addEventListener("htmx:historyRestore", markCurrentTab);

// The tabs of saved views. They stay when filters change: which one is current is said by the swapped #list-state.

function mark() {
  const current = document.getElementById("list-state")?.dataset.view ?? "";
  for (const tab of document.querySelectorAll("#views [data-view]")) {
    if (tab.dataset.view === current) tab.setAttribute("aria-current", "page");
    else tab.removeAttribute("aria-current");
  }
}

document.addEventListener("htmx:afterSettle", mark);
document.addEventListener("htmx:historyRestore", mark);

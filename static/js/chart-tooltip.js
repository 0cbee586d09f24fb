// What the bar under the pointer counts, shown at once; browsers show a <title> only after a while. While a time range
// is selected (see brush.js), its dates and the sum of its bars are shown instead.

const GAP = 6; // pixels between the chart and the tooltip

const tip = document.createElement("div");
tip.className = "chart-tip";
tip.setAttribute("aria-hidden", "true"); // the chart has a description
tip.hidden = true;

// Moves the text of a bar to where the browser does not show it a second time.
function takeText(slot) {
  const title = slot.querySelector("title");
  if (title) {
    slot.dataset.tip = title.textContent;
    title.remove();
  }
  return slot.dataset.tip ?? "";
}

export function showTip(chart, clientX, text) {
  if (!text) return hideTip();
  if (!tip.isConnected) document.body.append(tip);
  tip.textContent = text;
  tip.hidden = false;
  const { top } = chart.getBoundingClientRect();
  const left = Math.min(Math.max(clientX - tip.offsetWidth / 2, GAP), innerWidth - tip.offsetWidth - GAP);
  tip.style.left = `${left}px`;
  tip.style.top = `${Math.max(top - tip.offsetHeight - GAP, GAP)}px`;
}

export function hideTip() {
  tip.hidden = true;
}

function formatEdge(chart, index) {
  const { timezone } = document.documentElement.dataset; // of the page
  const options = { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", timeZone: timezone || "UTC" };
  return new Intl.DateTimeFormat("en-GB", options).format(1000 * chart.dataset.edges.split(" ")[index]);
}

// Returns "18 Nov, 00:00 – 21 Nov, 12:00 · 124 runs" for the bars `first` to `last`.
export function describeRange(chart, first, last) {
  const range = `${formatEdge(chart, first)} – ${formatEdge(chart, last + 1)}`;
  if (!chart.dataset.totals) return range;
  const totals = chart.dataset.totals.split(" ").slice(first, last + 1);
  const sum = totals.reduce((total, count) => total + Number(count), 0);
  return `${range} · ${sum.toLocaleString("en")} run${sum === 1 ? "" : "s"}`;
}

document.addEventListener("pointermove", ({ target, clientX, buttons }) => {
  if (buttons) return;
  const slot = target.closest?.(".chart .slot");
  if (slot) showTip(slot.closest(".chart"), clientX, takeText(slot));
  else hideTip();
});
document.addEventListener("pointerdown", ({ target, pointerType, clientX }) => {
  const slot = pointerType === "touch" && target.closest?.(".chart .slot");
  if (slot) showTip(slot.closest(".chart"), clientX, takeText(slot));
});
document.addEventListener("scroll", hideTip, { passive: true });

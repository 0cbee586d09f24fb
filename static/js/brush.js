// Selecting a time range in a chart: drag over it, or click a bar. `data-zoom` is the target: a URL, which gets the
// parameters `from` and `to`, or the selector of a form with fields of these names, which is then submitted (the form
// does the same for the keyboard). `data-count` is the number of bars; `data-edges` lists the start of each bar and the
// end of the last one, in Unix seconds.

import { describeRange, hideTip, showTip } from "./chart-tooltip.js";
import { formatLocal } from "./zone.js";

const SVG = "http://www.w3.org/2000/svg";
let brush = null; // { chart, from, to, box } while the pointer is down; from and to are indexes of bars

const findChart = (element) => element.closest?.("[data-zoom]");

const edgeTime = (chart, index) => 1000 * chart.dataset.edges.split(" ")[index];

function barAt(chart, clientX) {
  const { left, width } = chart.getBoundingClientRect();
  const { count } = chart.dataset;
  return Math.min(Math.max(Math.floor(((clientX - left) / width) * count), 0), count - 1);
}

function draw() {
  const { chart, from, to, box } = brush;
  const [first, last] = [Math.min(from, to), Math.max(from, to)];
  box.setAttribute("x", `${(100 * first) / chart.dataset.count}%`);
  box.setAttribute("width", `${(100 * (last + 1 - first)) / chart.dataset.count}%`);
}

function cancel() {
  if (brush) hideTip();
  brush?.box.remove();
  brush = null;
}

function zoom({ chart, from, to }) {
  const since = new Date(edgeTime(chart, Math.min(from, to)));
  const until = new Date(edgeTime(chart, Math.max(from, to) + 1));
  const target = chart.dataset.zoom;
  if (target.startsWith("/")) {
    const url = new URL(target, location.href);
    url.searchParams.set("from", `${since.toISOString().slice(0, 19)}Z`);
    url.searchParams.set("to", `${until.toISOString().slice(0, 19)}Z`);
    location.assign(url);
    return;
  }
  const form = document.querySelector(target);
  form.elements.from.value = formatLocal(since);
  form.elements.to.value = formatLocal(until);
  form.requestSubmit();
}

document.addEventListener("pointerdown", (event) => {
  const chart = findChart(event.target);
  if (!chart || event.button !== 0) return;
  cancel();
  const bars = chart.querySelector("svg");
  const box = document.createElementNS(SVG, "rect");
  box.setAttribute("class", "brush");
  box.setAttribute("y", bars.getAttribute("y") ?? "0");
  box.setAttribute("height", bars.getAttribute("height"));
  chart.append(box);
  const bar = barAt(chart, event.clientX);
  brush = { chart, box, from: bar, to: bar };
  chart.setPointerCapture(event.pointerId);
  draw();
});
document.addEventListener("pointermove", (event) => {
  if (!brush) return;
  const { chart, from } = brush;
  const to = (brush.to = barAt(chart, event.clientX));
  draw();
  showTip(chart, event.clientX, describeRange(chart, Math.min(from, to), Math.max(from, to)));
});
document.addEventListener("pointerup", () => {
  if (!brush) return;
  const selected = brush;
  cancel();
  zoom(selected);
});
document.addEventListener("pointercancel", cancel); // the browser started to scroll
document.addEventListener("keydown", ({ key }) => key === "Escape" && cancel());

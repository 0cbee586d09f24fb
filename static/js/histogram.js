// Choosing a span of the picture of runs over time: drag over it, or click one bar. What is chosen goes into
// the From and To fields, which do the same for the keyboard, and their form is sent.

const SVG = "http://www.w3.org/2000/svg";
let brush = null; // { chart, from, to, box } while the pointer is down

const chartAt = (element) => element.closest?.("#histogram");

// Which bar is under the pointer.
function place(chart, clientX) {
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

function stop() {
  brush?.box.remove();
  brush = null;
}

const field = (ms) => new Date(ms).toISOString().slice(0, 19);

function choose({ chart, from, to }) {
  const { start, step } = chart.dataset;
  const form = document.querySelector("#range form");
  form.elements.from.value = field(Number(start) + step * Math.min(from, to));
  form.elements.to.value = field(Number(start) + step * (Math.max(from, to) + 1));
  form.requestSubmit();
}

document.addEventListener("pointerdown", (event) => {
  const chart = chartAt(event.target);
  if (!chart || event.button !== 0) return;
  stop();
  const box = document.createElementNS(SVG, "rect");
  box.setAttribute("class", "brush");
  box.setAttribute("height", "64");
  chart.append(box);
  const here = place(chart, event.clientX);
  brush = { chart, box, from: here, to: here };
  chart.setPointerCapture(event.pointerId);
  draw();
});
document.addEventListener("pointermove", (event) => {
  if (!brush) return;
  brush.to = place(brush.chart, event.clientX);
  draw();
});
document.addEventListener("pointerup", () => {
  if (!brush) return;
  const chosen = brush;
  stop();
  choose(chosen);
});
document.addEventListener("pointercancel", stop); // scrolling took over
document.addEventListener("keydown", ({ key }) => key === "Escape" && stop());

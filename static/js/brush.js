// Choosing a span of a picture of something over time: drag over it, or click one bar. `data-zoom` says where that
// leads: to an address, with `from` and `to`, or into the fields of a form of these names, which do the same for
// the keyboard; it is then sent. `data-start`, `data-step` and `data-count` say where bars begin, in milliseconds;
// `data-edges`, in seconds, where they are not equally long.

const SVG = "http://www.w3.org/2000/svg";
let brush = null; // { chart, from, to, box } while the pointer is down

const chartAt = (element) => element.closest?.("[data-zoom]");

function edge({ dataset }, place) {
  const { edges, start, step } = dataset;
  return edges ? 1000 * edges.split(" ")[place] : Number(start) + step * place;
}

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

const time = (ms) => new Date(ms).toISOString().slice(0, 19);

function choose({ chart, from, to }) {
  const since = time(edge(chart, Math.min(from, to)));
  const until = time(edge(chart, Math.max(from, to) + 1));
  const { zoom } = chart.dataset;
  if (zoom.startsWith("/")) {
    const address = new URL(zoom, location.href);
    address.searchParams.set("from", `${since}Z`);
    address.searchParams.set("to", `${until}Z`);
    location.assign(address);
    return;
  }
  const form = document.querySelector(zoom);
  form.elements.from.value = since;
  form.elements.to.value = until;
  form.requestSubmit();
}

document.addEventListener("pointerdown", (event) => {
  const chart = chartAt(event.target);
  if (!chart || event.button !== 0) return;
  stop();
  const bars = chart.querySelector("svg");
  const box = document.createElementNS(SVG, "rect");
  box.setAttribute("class", "brush");
  box.setAttribute("y", bars.getAttribute("y") ?? "0");
  box.setAttribute("height", bars.getAttribute("height"));
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

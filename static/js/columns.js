// The columns of the run list: a header is dragged to its place, and its edge to a width; the keyboard does both, too.
// The form #columns keeps the choice, and the server renders it: every change ends in a submitted form.
//
// A header is <th data-column="model:180">: the column, and its width in pixels if the reader has set one. While a column
// is resized, a rule of a constructed stylesheet sets its width, since the content security policy bans inline styles.

import { announce } from "./announce.js";

const [MIN_WIDTH, MAX_WIDTH, STEP] = [40, 900, 16];
const MIN_DRAG = 6; // pixels; less is a click
const HEADER = ".runs th[data-column]";

const sheet = new CSSStyleSheet();
document.adoptedStyleSheets.push(sheet);

let drag = null; // { isResizing, header, x, width, target, hasMoved } while the pointer is down
let isClickOfDrag = false; // the click that follows a drag does not sort the list

const form = () => document.getElementById("columns");
const headers = () => [...document.querySelectorAll(HEADER)];
const nameOf = (value) => value.split(":")[0];
const labelOf = (header) => header.querySelector(".grip").getAttribute("aria-label").replace("Width of ", "");
const clampWidth = (width) => Math.round(Math.min(Math.max(width, MIN_WIDTH), MAX_WIDTH));
// The row of a chosen column in the menu. Its siblings are the other chosen columns, in the order of the table.
const choices = () => [...form().querySelectorAll(".column-choice")];
const inputOf = (choice) => choice.querySelector("input");
const findChoice = ({ dataset }) => choices().find((choice) => nameOf(inputOf(choice).value) === nameOf(dataset.column));

function submit(message) {
  announce(message);
  form().requestSubmit();
}

function showWidth(header, width) {
  const position = [...header.parentElement.children].indexOf(header) + 1;
  const declarations = `width: ${width}px !important; min-width: 0 !important; max-width: none !important`;
  sheet.replaceSync(`.runs tr > :nth-child(${position}):not(.c-err) { ${declarations} }`);
}

// Without a width, the column is as wide as its content.
function saveWidth(header, width = 0) {
  const input = inputOf(findChoice(header));
  input.value = width ? `${nameOf(input.value)}:${width}` : nameOf(input.value);
  submit(width ? `${labelOf(header)} is ${width} pixels wide` : `${labelOf(header)} fits its content`);
}

// Moves a column in front of the one of `next`, or to the end.
function place(header, next) {
  const [choice, nextChoice] = [findChoice(header), next && findChoice(next)];
  if (nextChoice === choice) return;
  if (nextChoice) nextChoice.before(choice);
  else choices().at(-1).after(choice);
  submit(`Moved ${labelOf(header)}`);
}

function moveBy(header, step) {
  const all = headers();
  const index = all.indexOf(header) + step;
  if (index >= 0 && index < all.length) place(header, all[step > 0 ? index + 1 : index]);
}

function moveChoice(button) {
  const choice = button.closest(".column-choice");
  const step = Number(button.dataset.move);
  const other = step < 0 ? choice.previousElementSibling : choice.nextElementSibling;
  if (!other?.matches(".column-choice")) return;
  if (step < 0) other.before(choice);
  else other.after(choice);
  button.focus();
  submit(`Moved ${choice.textContent.trim().split("\n")[0]}`);
}

function markTarget(clientX) {
  const middle = (header) => header.getBoundingClientRect().left + header.offsetWidth / 2;
  drag.target = headers().find((header) => clientX < middle(header));
  drag.header.dataset.moving = "";
  for (const header of headers()) header.toggleAttribute("data-drop", header === drag.target);
}

function cancelDrag() {
  for (const header of headers()) {
    header.removeAttribute("data-moving");
    header.removeAttribute("data-drop");
  }
  drag = null;
}

document.addEventListener("pointerdown", (event) => {
  isClickOfDrag = false;
  const header = event.target.closest?.(HEADER);
  if (!header || event.button !== 0) return;
  const isResizing = event.target.matches(".grip");
  // A finger on a header scrolls; the menu moves columns there.
  if (!isResizing && event.pointerType === "touch") return;
  drag = { isResizing, header, x: event.clientX, width: header.offsetWidth };
  if (isResizing) event.target.setPointerCapture(event.pointerId);
});
document.addEventListener("pointermove", ({ clientX }) => {
  if (!drag) return;
  if (!drag.hasMoved && Math.abs(clientX - drag.x) < MIN_DRAG) return;
  drag.hasMoved = true;
  if (drag.isResizing) showWidth(drag.header, clampWidth(drag.width + clientX - drag.x));
  else markTarget(clientX);
});
document.addEventListener("pointerup", ({ clientX }) => {
  if (!drag) return;
  const { header, isResizing, hasMoved, target, width, x } = drag;
  cancelDrag();
  if (!hasMoved) return;
  isClickOfDrag = true;
  if (isResizing) saveWidth(header, clampWidth(width + clientX - x));
  else place(header, target);
});
document.addEventListener("pointercancel", () => drag && cancelDrag());
document.addEventListener("click", (event) => {
  if (isClickOfDrag && event.target.closest(HEADER)) {
    event.preventDefault();
    event.stopPropagation();
  }
  isClickOfDrag = false;
}, true);
document.addEventListener("click", ({ target }) => target.closest("[data-move]") && moveChoice(target.closest("[data-move]")));
document.addEventListener("dblclick", ({ target }) => target.matches(".grip") && saveWidth(target.closest("th")));
// A link in a header would otherwise be dragged itself.
document.addEventListener("dragstart", (event) => event.target.closest?.(HEADER) && event.preventDefault());
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && drag) return cancelDrag();
  const header = event.target.matches?.(".grip") && event.target.closest("th");
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!header || (!step && event.key !== "Enter")) return;
  event.preventDefault();
  if (!step) saveWidth(header);
  else if (event.shiftKey) moveBy(header, step);
  else saveWidth(header, clampWidth(header.offsetWidth + step * STEP));
});

// The focus stays on the edge of the same column, which the server has rendered anew.
let focusedColumn = "";
document.addEventListener("htmx:beforeSwap", () => {
  const header = document.activeElement?.matches?.(".grip") && document.activeElement.closest("th");
  focusedColumn = header ? nameOf(header.dataset.column) : "";
});
document.addEventListener("htmx:afterSettle", () => {
  sheet.replaceSync("");
  const header = focusedColumn && headers().find(({ dataset }) => nameOf(dataset.column) === focusedColumn);
  if (header && !header.contains(document.activeElement)) header.querySelector(".grip").focus({ preventScroll: true });
});

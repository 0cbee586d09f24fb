// The current row of a list, which j and k move, rows that open by a click, and their checkboxes. Rows are the children
// of #rows.

const rows = () => [...document.querySelectorAll("#rows > *")].filter((row) => findLink(row));
export const findLink = (row) => row.querySelector("a.id, a[href]");
const findCheckbox = (row) => row?.querySelector("input[type=checkbox]");

// A click on one of these, or in the margin of the row, does not open the row.
const CONTROLS = "a, button, input, label, pre, select, summary, textarea, td:has([type=checkbox])";

let anchor = null; // the row where a range selection starts

export const currentRow = () => document.querySelector("#rows > [aria-current]");

// Whether a click opens the preview of a row: in the cell of its checkbox, beside the checkbox.
export const isMargin = (target) => Boolean(target.closest("#rows .c-sel") && !target.closest("label, input"));

export function setCurrentRow(row) {
  if (row === currentRow()) return;
  currentRow()?.removeAttribute("aria-current");
  row.setAttribute("aria-current", "true");
  document.dispatchEvent(new CustomEvent("currentrow", { detail: { row } }));
}

// The focus moves along, so that Enter and screen readers work as usual; in the preview of a row, it stays there.
export function moveBy(step) {
  const all = rows();
  const index = all.indexOf(currentRow());
  const next = all[index === -1 ? 0 : index + step];
  if (!next) return all.length > 0;
  setCurrentRow(next);
  if (!document.activeElement?.closest("#peek")) findLink(next).focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
  return true;
}

export function openRow(row) {
  if (!row) return false;
  findLink(row).click();
  return true;
}

function setChecked(input, checked) {
  if (input.checked === checked) return;
  input.checked = checked;
  input.dispatchEvent(new Event("change", { bubbles: true }));
}

// Makes `row` the start of the next range. With `range`, selects all rows from the last start to `row`.
export function extendSelection(row, range) {
  if (!range || !anchor?.isConnected) {
    anchor = row;
    return;
  }
  const all = rows();
  const [from, to] = [all.indexOf(anchor), all.indexOf(row)].sort((a, b) => a - b);
  for (const selected of all.slice(from, to + 1)) if (findCheckbox(selected)) setChecked(findCheckbox(selected), true);
}

export function toggleRow({ range = false } = {}) {
  const row = currentRow();
  const checkbox = findCheckbox(row);
  if (!checkbox) return false;
  setChecked(checkbox, range || !checkbox.checked);
  extendSelection(row, range);
  return true;
}

// Returns the row that a click is meant to open. A click that ends a text selection, or a double click, opens none.
function findClickedRow({ defaultPrevented, detail, shiftKey, target }) {
  if (defaultPrevented || shiftKey || detail > 1 || target.closest(CONTROLS)) return null;
  const row = target.closest("#rows > *");
  return row && findLink(row) && getSelection().isCollapsed ? row : null;
}

const isForNewTab = ({ button, ctrlKey, metaKey }) => button === 1 || ctrlKey || metaKey;

function openClickedRow(event) {
  const row = event.button <= 1 && findClickedRow(event);
  if (!row) return;
  if (isForNewTab(event)) open(findLink(row).href, "_blank", "noopener");
  else openRow(row);
}

document.addEventListener("click", openClickedRow);
document.addEventListener("auxclick", openClickedRow);
// Otherwise the middle button would start to scroll.
document.addEventListener("mousedown", (event) => {
  if (event.button === 1 && findClickedRow(event)) event.preventDefault();
});

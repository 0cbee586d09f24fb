// The row that j and k move through a list, and its checkboxes. Rows are the children of #rows.

const rows = () => [...document.querySelectorAll("#rows > *")].filter((row) => link(row));
const link = (row) => row.querySelector("a.id, a[href]");
const box = (row) => row?.querySelector("input[type=checkbox]");

let anchor = null; // where a range selection starts

export const current = () => document.querySelector("#rows > [aria-current]");

// The focus goes along, so that Enter and screen readers follow without help.
export function moveBy(step) {
  const all = rows();
  const here = all.indexOf(current());
  const next = all[here === -1 ? 0 : here + step];
  if (!next) return all.length > 0;
  current()?.removeAttribute("aria-current");
  next.setAttribute("aria-current", "true");
  link(next).focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
  return true;
}

export function open(row) {
  if (!row) return false;
  link(row).click();
  return true;
}

function tick(input, checked) {
  if (input.checked === checked) return;
  input.checked = checked;
  input.dispatchEvent(new Event("change", { bubbles: true }));
}

// What was ticked last starts a range; with `range`, everything from there to `row` is ticked.
export function selectRange(row, range) {
  if (!range || !anchor?.isConnected) {
    anchor = row;
    return;
  }
  const all = rows();
  const [from, to] = [all.indexOf(anchor), all.indexOf(row)].sort((a, b) => a - b);
  for (const each of all.slice(from, to + 1)) if (box(each)) tick(box(each), true);
}

export function select({ range = false } = {}) {
  const row = current();
  if (!box(row)) return false;
  tick(box(row), range || !box(row).checked);
  selectRange(row, range);
  return true;
}

export function unselectAll() {
  const checked = rows()
    .map(box)
    .filter((input) => input?.checked);
  for (const input of checked) tick(input, false);
  return checked.length > 0;
}

// Menus are <details class="menu">: they open and close without this; here they also close on Esc, on a
// click elsewhere, once something in them was chosen, and when the focus leaves them.

const open = () => document.querySelectorAll("details.menu[open]");

// Answers whether one was open, so that Esc does one thing at a time.
export function closeMenus({ keep = () => false, refocus = false } = {}) {
  let closed = false;
  for (const menu of open()) {
    if (keep(menu)) continue;
    if (refocus && menu.contains(document.activeElement)) menu.querySelector("summary").focus();
    menu.open = false;
    closed = true;
  }
  return closed;
}

document.addEventListener("click", ({ target }) => {
  const chosen = target.closest(".panel :is(a, button)");
  closeMenus({ keep: (menu) => !chosen && menu.contains(target) });
});
// Words that are pressed in a menu give the focus to what is around it: that is not leaving.
document.addEventListener("focusin", ({ target }) =>
  closeMenus({ keep: (menu) => menu.contains(target) || target.contains(menu) }),
);
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && closeMenus({ refocus: true })) event.preventDefault();
});

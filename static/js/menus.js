// Menus are <details class="menu"> and work without scripts. With them, they also close on Escape, on a click elsewhere,
// on a click on one of their items (other than those that move another), and when the focus leaves them.

const openMenus = () => document.querySelectorAll("details.menu[open]");

// Returns whether a menu was open, so that Escape does one thing at a time.
export function closeMenus({ keep = () => false, refocus = false } = {}) {
  let closed = false;
  for (const menu of openMenus()) {
    if (keep(menu)) continue;
    if (refocus && menu.contains(document.activeElement)) menu.querySelector("summary").focus();
    menu.open = false;
    closed = true;
  }
  return closed;
}

document.addEventListener("click", ({ target }) => {
  const item = target.closest(".panel :is(a, button:not([data-move]))");
  closeMenus({ keep: (menu) => !item && menu.contains(target) });
});
// A click on plain text in a menu focuses an ancestor of the menu, which does not count as leaving it.
document.addEventListener("focusin", ({ target }) =>
  closeMenus({ keep: (menu) => menu.contains(target) || target.contains(menu) }),
);
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && closeMenus({ refocus: true })) event.preventDefault();
});

// Menus are <details class="menu">: they open and close without this; here they also close on Esc, on a
// click elsewhere, once something in them was chosen, and when the focus leaves them.

const open = () => document.querySelectorAll("details.menu[open]");

// Answers whether one was open, so that Esc does one thing at a time.
export function closeMenus({ except = null, refocus = false } = {}) {
  let closed = false;
  for (const menu of open()) {
    if (menu === except) continue;
    if (refocus && menu.contains(document.activeElement)) menu.querySelector("summary").focus();
    menu.open = false;
    closed = true;
  }
  return closed;
}

document.addEventListener("click", ({ target }) => {
  const chosen = target.closest(".panel :is(a, button)");
  closeMenus({ except: chosen ? null : target.closest("details.menu") });
});
document.addEventListener("focusin", ({ target }) => closeMenus({ except: target.closest("details.menu") }));
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && closeMenus({ refocus: true })) event.preventDefault();
});

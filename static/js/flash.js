// Messages about what was done: they can be dismissed, and end when the list is filtered otherwise.

const dismissAll = () => document.querySelectorAll(".flash").forEach((message) => message.remove());

document.addEventListener("click", ({ target }) => target.closest("[data-dismiss]")?.closest(".flash").remove());
document.addEventListener("htmx:pushedIntoHistory", dismissAll);

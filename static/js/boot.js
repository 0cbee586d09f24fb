// Runs in <head>, before the first paint, and applies the preferences that CSS depends on.
{
  const root = document.documentElement;
  root.dataset.js = "";
  try {
    for (const name of ["theme", "times"]) {
      const value = localStorage.getItem(`runglass.${name}`);
      if (value) root.dataset[name] = value;
    }
  } catch {
    // Storage may be blocked. The defaults apply.
  }
}

// Runs before the first paint, in <head>: what the reader chose is in force from the first pixel on.
{
  const root = document.documentElement;
  root.dataset.js = "";
  try {
    for (const name of ["theme", "times"]) {
      const value = localStorage.getItem(`runglass.${name}`);
      if (value) root.dataset[name] = value;
    }
  } catch {
    // Storage may be forbidden; the defaults hold.
  }
}

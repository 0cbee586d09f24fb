// The recent searches of a reader in a project, newest first. They stay in the browser until somebody signs in anew.

const MAX_RECENT = 6;
const MAX_LENGTH = 500;
const PREFIX = "runglass-recent.";

export function readRecent(reader) {
  try {
    const stored = JSON.parse(localStorage.getItem(PREFIX + reader) ?? "[]");
    return Array.isArray(stored) ? stored.filter((text) => typeof text === "string").slice(0, MAX_RECENT) : [];
  } catch {
    return []; // Storage may be blocked, or hold something else.
  }
}

export function recordRecent(reader, text) {
  if (!text || text.length > MAX_LENGTH) return;
  const others = readRecent(reader).filter((other) => other !== text);
  try {
    localStorage.setItem(PREFIX + reader, JSON.stringify([text, ...others].slice(0, MAX_RECENT)));
  } catch {
    // Storage may be blocked or full. Then there are no recent searches.
  }
}

export function forgetRecent() {
  try {
    for (const key of Object.keys(localStorage)) if (key.startsWith(PREFIX)) localStorage.removeItem(key);
  } catch {
    // Storage may be blocked.
  }
}

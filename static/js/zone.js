// Tells the server the reader's time zone, in which the next pages count their days.

const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
const cookie = `timezone=${timeZone}`;

if (timeZone && !document.cookie.split("; ").includes(cookie)) {
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `${cookie}; path=/; max-age=31536000; samesite=lax${secure}`;
}

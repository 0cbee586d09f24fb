// Sends the time zone of the browser to the server, which uses it for charts from the next page on.

const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
const { pathname } = new URL("../..", import.meta.url); // of the site, which may be below another one's
const cookie = `timezone=${timeZone}`;

if (timeZone && !document.cookie.split("; ").includes(cookie)) {
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `${cookie}; path=${pathname}; max-age=31536000; samesite=lax${secure}`;
}

// Keeps the pages of today's visits for when there is no network. It serves the addresses of visits only; it keeps what
// a page asks it to keep, for two days, and drops it when the page says so. Sending is not its work: see visits.js.
const STORE = "visits-1";
const LONGEST = 48 * 60 * 60 * 1000;
const LAST = "/home-visits/without-network";
self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
async function keep(urls) {
  const store = await caches.open(STORE);
  for (const url of new Set([LAST, ...urls])) {
    const answer = await fetch(url, { credentials: "same-origin" });
    if (!answer.ok || answer.redirected) continue;
    const headers = new Headers(answer.headers);
    headers.set("X-Kept-At", String(Date.now()));
    await store.put(url, new Response(await answer.blob(), { status: 200, headers }));
  }
}
async function drop(urls) {
  const store = await caches.open(STORE);
  for (const url of urls) await store.delete(url);
}
self.addEventListener("message", (event) => {
  const { act, urls } = event.data;
  const work = act === "keep" ? keep(urls) : drop(urls);
  event.waitUntil(work.then(() => event.ports[0] && event.ports[0].postMessage("done")));
});
async function kept(request) {
  const store = await caches.open(STORE);
  const found = await store.match(new URL(request.url).pathname);
  if (!found) return undefined;
  if (Date.now() - Number(found.headers.get("X-Kept-At")) < LONGEST) return found;
  await store.delete(new URL(request.url).pathname);
  return undefined;
}
async function answer(request) {
  try {
    return await fetch(request);
  } catch (fault) {
    const found = await kept(request);
    if (found) return found;
    if (request.mode !== "navigate") throw fault;
    return (await kept(new Request(LAST))) || Response.error();
  }
}
self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method === "GET" && url.origin === location.origin) event.respondWith(answer(event.request));
});

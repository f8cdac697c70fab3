// The service worker: the page's files, so that it opens where there is no network. The server puts before this line
// `const RELEASE`, a hash over all files, and `const FILES`, their paths, the page among them. Nothing of the API is kept here.

const CACHE = `tessera-scan-${RELEASE}`;

addEventListener("install", (event) => {
  const fill = async () => {
    const cache = await caches.open(CACHE);
    await cache.addAll(FILES.map((path) => new Request(path, { cache: "no-cache" })));
  };
  event.waitUntil(fill());
});

addEventListener("activate", (event) => {
  const tidy = async () => {
    const names = (await caches.keys()).filter((name) => name.startsWith("tessera-scan-") && name !== CACHE);
    await Promise.all(names.map((name) => caches.delete(name)));
    await clients.claim();
  };
  event.waitUntil(tidy());
});

// A page that is open keeps the files that it began with, until staff say that it may change.
addEventListener("message", (event) => {
  if (event.data === "activate") skipWaiting();
});

addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  const isOurs = url.origin === location.origin && FILES.includes(url.pathname);
  if (event.request.method !== "GET" || !isOurs) return;
  const answer = async () => {
    const cache = await caches.open(CACHE);
    return (await cache.match(url.pathname)) ?? fetch(event.request);
  };
  event.respondWith(answer());
});

// Keeps the crew's page on the telephone, so that it opens without a network. The day itself is kept by the page.
export {};

declare const self: ServiceWorkerGlobalScope;

/** The page's own files, and a name for this set of them; the build writes both. */
const FILES = JSON.parse("__FILES__") as string[];
const SHELL = "gridcrew-crew-__BUILT__";
const PAGE = "/crew";
const ANSWERS_WITHIN = 4_000;

self.addEventListener("install", (event) => {
  event.waitUntil(
    caches
      .open(SHELL)
      .then((cache) => cache.addAll([...FILES, PAGE]))
      .then(() => self.skipWaiting()),
  );
});

self.addEventListener("activate", (event) => {
  const old = (name: string) => name.startsWith("gridcrew-crew-") && name !== SHELL;
  const removed = caches.keys().then((names) => Promise.all(names.filter(old).map((name) => caches.delete(name))));
  event.waitUntil(removed.then(() => self.clients.claim()));
});

self.addEventListener("fetch", (event) => {
  const address = new URL(event.request.url);
  if (event.request.method !== "GET" || address.origin !== location.origin) return;
  if (event.request.mode === "navigate" && address.pathname === PAGE) {
    event.respondWith(page(event.request));
  } else if (FILES.includes(address.pathname)) {
    event.respondWith(caches.match(address.pathname).then((kept) => kept ?? fetch(event.request)));
  }
});

/** The page from the server when that answers soon, else as it was kept; a refusal is shown and not kept. */
async function page(request: Request): Promise<Response> {
  const cache = await caches.open(SHELL);
  const kept = await cache.match(PAGE);
  try {
    const answer = await fetch(request, kept ? { signal: AbortSignal.timeout(ANSWERS_WITHIN) } : {});
    if (answer.status === 200 && !answer.redirected) await cache.put(PAGE, answer.clone());
    return answer.status >= 500 && kept ? kept : answer;
  } catch (error) {
    if (kept) return kept;
    throw error;
  }
}

// The page's own worker, which keeps the page on the telephone (see worker/worker.ts).

const PAGE = "/crew";
const SET_UP_WITHIN = 4_000;

export function keepPage(): void {
  if (!("serviceWorker" in navigator)) return;
  navigator.serviceWorker.register("/crew-worker.js", { scope: PAGE }).catch((error: unknown) => {
    console.warn("The page cannot be kept for times without a network.", error);
  });
}

/** Who signs out leaves no name behind. A worker that is still being set up keeps the page at its end: wait for that. */
export async function forgetPage(): Promise<void> {
  if (!("serviceWorker" in navigator) || !(await navigator.serviceWorker.getRegistration(PAGE))) return;
  const late = new Promise((done) => setTimeout(done, SET_UP_WITHIN));
  await Promise.race([navigator.serviceWorker.ready, late]);
  for (const name of await caches.keys()) await (await caches.open(name)).delete(PAGE);
}

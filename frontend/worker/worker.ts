/**
 * The service worker: holds the pages of this build, and the pictures that were shown, for times without a connection.
 *
 * Nothing personal is kept here, and no answer of the API but the published standard sets, which never change.
 * `scripts/offline.mjs` adds BUILD, ENTRY and FILES.
 */

/** A hash of everything that this build serves. */
declare const BUILD: string;
/** The script that this build's document begins with. */
declare const ENTRY: string;
declare const FILES: readonly string[];

const worker = self as unknown as ServiceWorkerGlobalScope;

const PREFIX = "giz-pages-";
const PAGES = PREFIX + BUILD;
/** How many earlier builds stay: tabs that still run one may need its files. */
const EARLIER_BUILDS = 2;
const PICTURES = "giz-pictures";
const MOST_PICTURES = 1200;
const TRIM_EVERY = 50;
/** On a slow line the page comes from this device, and only data from the server. */
const PATIENCE_MS = 800;

const DOCUMENT = "/";
const OFFLINE = "/offline.html";
/** Addresses of the single-page app (giz/urls.py); all have the same document. */
const APP = /^\/(?:(?:label|judge)\/[^/]+|predict(?:\/pgc\/\d+)?|practice(?:\/daily)?|me)?\/?$/;
const NEVER_CHANGES = /^\/media\/|^\/api\/v1\/standard-sets\/\d+\/$/;

const pause = (ms: number) => new Promise<null>((resolve) => setTimeout(resolve, ms, null));
const held = (address: string) => caches.match(address, { cacheName: PAGES, ignoreVary: true });

async function fetchFile(address: string): Promise<Response> {
  const isHashed = address.startsWith("/assets/");
  const answer = (isHashed && (await caches.match(address))) || (await fetch(address, { cache: isHashed ? "default" : "no-cache", priority: "low" }));
  if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
  // While a site is updated, documents of another build may come.
  if (address === DOCUMENT && !(await answer.clone().text()).includes(ENTRY)) throw new Error("another build");
  return answer;
}

/** One file after the other, so that the open page goes first. What an interrupted attempt has fetched stays. */
async function holdPages(): Promise<void> {
  const cache = await caches.open(PAGES);
  for (const address of [DOCUMENT, ...FILES]) {
    if (!(await cache.match(address))) await cache.put(address, await fetchFile(address));
  }
}

async function forgetOldBuilds(): Promise<void> {
  const earlier = (await caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== PAGES);
  await Promise.all(earlier.slice(0, -EARLIER_BUILDS).map((name) => caches.delete(name)));
}

/** Tabs whose document came from this device; their other files must be of the same build. */
const servedTabs = new Set<string>();

async function page(event: FetchEvent, path: string): Promise<Response> {
  const network = fetch(event.request);
  if (!APP.test(path)) return network.catch(async (error: unknown) => (await held(OFFLINE)) ?? Promise.reject(error));
  const answer = await Promise.race([network.catch(() => null), pause(PATIENCE_MS)]);
  if (answer && answer.status < 500) return answer;
  const kept = await held(DOCUMENT);
  if (!kept) return network;
  servedTabs.add(event.resultingClientId);
  return kept;
}

async function ownFile(event: FetchEvent, path: string): Promise<Response> {
  if (path.startsWith("/assets/")) return (await caches.match(event.request, { ignoreVary: true })) ?? fetch(event.request);
  const kept = await held(path);
  if (kept && servedTabs.has(event.clientId)) return kept;
  return fetch(event.request).catch((error: unknown) => kept ?? Promise.reject(error));
}

let added = 0;

async function keepPicture(request: Request, answer: Response): Promise<void> {
  const cache = await caches.open(PICTURES);
  await cache.put(request, answer);
  added += 1;
  if (added % TRIM_EVERY !== 0) return;
  const oldestFirst = await cache.keys();
  await Promise.all(oldestFirst.slice(0, -MOST_PICTURES).map((one) => cache.delete(one)));
}

async function picture(event: FetchEvent): Promise<Response> {
  const kept = await caches.match(event.request, { cacheName: PICTURES, ignoreVary: true }).catch(() => undefined);
  if (kept) return kept;
  const answer = await fetch(event.request);
  // Where the browser's storage is full, pictures are only shown.
  if (answer.status === 200) event.waitUntil(keepPicture(event.request, answer.clone()).catch(() => undefined));
  return answer;
}

worker.addEventListener("install", (event) => {
  // Files of earlier builds stay, so open pages go on; they are loaded anew between two galaxies (lib/freshness.ts).
  event.waitUntil(holdPages().then(() => worker.skipWaiting()));
});

worker.addEventListener("activate", (event) => event.waitUntil(forgetOldBuilds().then(() => worker.clients.claim())));

worker.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== worker.location.origin) return;
  if (request.mode === "navigate") event.respondWith(page(event, pathname));
  else if (pathname.startsWith("/assets/") || FILES.includes(pathname)) event.respondWith(ownFile(event, pathname));
  else if (NEVER_CHANGES.test(pathname)) event.respondWith(picture(event));
});

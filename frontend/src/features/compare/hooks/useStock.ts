import { useEffect } from "react";
import type { Band } from "@/lib/api/types";
import { isInstalled } from "@/lib/installed";
import { availableBand, pictureAddress } from "@/lib/pictures/choose";
import type { Album } from "./usePictures";

const RETRY_MS = 60_000;

/** Large first: nobody can answer beside a small copy. */
function picturesOf({ set }: Album, wanted: Band): string[] {
  const sources = set.standards.map(({ images, sizes_px }) => ({ images, sizes_px: sizes_px ?? set.sizes_px, image_path: set.image_path }));
  return (["large", "small"] as const).flatMap((size) =>
    sources.flatMap((source) => {
      const band = availableBand(source.images, wanted);
      return (band && pictureAddress(source, band, size)) ?? [];
    }),
  );
}

/** Whether all are on this device; the service worker keeps what it fetches. */
async function fetchAll(addresses: readonly string[], signal: AbortSignal): Promise<boolean> {
  for (const address of addresses) {
    try {
      if (await caches.match(address, { ignoreVary: true })) continue;
      const answer = await fetch(address, { priority: "low", signal });
      await answer.arrayBuffer();
    } catch {
      return false;
    }
  }
  return true;
}

const savesData = () => (navigator as { connection?: { saveData?: boolean } }).connection?.saveData === true;

/** In the installed app: fetches the pictures of all standards in the chosen band, one after the other, for comparing without a connection. */
export function useStock(album: Album | undefined, band: Band, isReady: boolean): void {
  useEffect(() => {
    if (!album || !isReady || !isInstalled() || savesData() || typeof caches === "undefined") return undefined;
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout>;
    const begin = async () => {
      const isComplete = navigator.serviceWorker.controller !== null && (await fetchAll(picturesOf(album, band), stop.signal));
      if (!isComplete && !stop.signal.aborted) timer = setTimeout(() => void begin(), RETRY_MS);
    };
    void begin();
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [album, band, isReady]);
}

/** Shows drawn skies on canvases. A worker draws them: on a phone a drawing takes a second, in which the page must respond. */

import { lookForNewBuild } from "../freshness";
import type { SkyLook } from "./paint";
import type { DrawnSky, SkyRequest } from "./sky.worker";

const shown = new Map<number, HTMLCanvasElement>();
const numbers = new WeakMap<HTMLCanvasElement, number>();
let count = 0;
let worker: Worker | null = null;

function show({ canvas: number, image }: DrawnSky): void {
  const canvas = shown.get(number);
  const context = canvas?.getContext("2d");
  if (!canvas || !context) return;
  if (image.width === canvas.width) return context.putImageData(image, 0, 0);
  const small = Object.assign(document.createElement("canvas"), { width: image.width, height: image.height });
  small.getContext("2d")?.putImageData(image, 0, 0);
  context.drawImage(small, 0, 0, canvas.width, canvas.height);
}

function ask(request: SkyRequest): void {
  if (!worker) {
    worker = new Worker(new URL("./sky.worker.ts", import.meta.url), { type: "module" });
    worker.addEventListener("message", ({ data }: MessageEvent<DrawnSky>) => show(data));
    worker.addEventListener("error", () => void lookForNewBuild());
  }
  worker.postMessage(request);
}

/** Draws the sky, first coarsely and then in full. Returns what stops it. */
export function paintSky(canvas: HTMLCanvasElement, look: SkyLook): () => void {
  const number = numbers.get(canvas) ?? (count += 1);
  numbers.set(canvas, number);
  shown.set(number, canvas);
  ask({ canvas: number, side: canvas.width, look });
  return () => {
    shown.delete(number);
    ask({ canvas: number, side: canvas.width, look: null });
  };
}

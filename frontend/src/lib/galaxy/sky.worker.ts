/** Draws skies in a thread of its own, so that the page stays responsive: first coarsely, then in full. */

import { type SkyLook, skyRows } from "./paint";

/** What the page asks for: a sky for one of its canvases, which replaces that canvas' earlier one; or none any more. */
export interface SkyRequest {
  canvas: number;
  side: number;
  look: SkyLook | null;
}

export interface DrawnSky {
  canvas: number;
  image: ImageData;
}

/** How much smaller the first drawing is. */
const COARSE = 4;
/** The longest that a new request waits for. */
const SLICE_MS = 12;

const drawings = new Map<number, Generator<void, void>>();
let isDrawing = false;

function* drawing({ canvas, side, look }: SkyRequest): Generator<void, void> {
  if (!look) return;
  for (const px of [Math.round(side / COARSE), side]) {
    const drawn: DrawnSky = { canvas, image: new ImageData(yield* skyRows(px, look), px, px) };
    postMessage(drawn, { transfer: [drawn.image.data.buffer] });
  }
}

function draw(): void {
  const until = performance.now() + SLICE_MS;
  for (const [canvas, steps] of drawings) {
    while (performance.now() < until) {
      if (!steps.next().done) continue;
      drawings.delete(canvas);
      break;
    }
  }
  isDrawing = drawings.size > 0;
  if (isDrawing) setTimeout(draw);
}

addEventListener("message", ({ data }: MessageEvent<SkyRequest>) => {
  if (data.look) drawings.set(data.canvas, drawing(data));
  else drawings.delete(data.canvas);
  if (isDrawing) return;
  isDrawing = true;
  setTimeout(draw);
});

/** Which file shows a picture: the wanted band, or one that exists; the size that fits. */

import type { Band, ImageStems } from "../api/types";

const FALLBACKS: Record<Band, readonly Band[]> = {
  gri: ["gri", "r", "g", "i"],
  g: ["g", "r", "i", "gri"],
  r: ["r", "i", "g", "gri"],
  i: ["i", "r", "g", "gri"],
};

export const BAND_NAMES: Record<Band, string> = { gri: "colour", g: "g", r: "r", i: "i" };

export interface Source {
  images: ImageStems;
  sizes_px: readonly number[];
  image_path: string;
}

export function availableBand(images: ImageStems, wanted: Band): Band | null {
  return FALLBACKS[wanted].find((band) => images[band]) ?? null;
}

export function pictureAddress(source: Source, band: Band, size: "small" | "large"): string | null {
  const stem = source.images[band];
  const sizes = [...source.sizes_px].sort((a, b) => a - b);
  const px = size === "large" ? sizes.at(-1) : sizes[0];
  return stem && px ? source.image_path.replace("{stem}", stem).replace("{size}", String(px)) : null;
}

import { useSyncExternalStore } from "react";
import { pictureState, watchPictures } from "@/lib/pictures/loader";
import type { Picture } from "./usePictures";

function isShown(picture: Picture): boolean {
  if (picture.large === null) return true;
  const state = pictureState(picture.large);
  return state === "ready" || (state === "failed" && picture.small !== null && pictureState(picture.small) === "ready");
}

/** Whether the big pictures can be seen: decoded, or at least their small copy where the large one failed for good. */
export function useReady(pictures: readonly (Picture | null)[]): boolean {
  return useSyncExternalStore(watchPictures, () => pictures.every((picture) => picture === null || isShown(picture)));
}

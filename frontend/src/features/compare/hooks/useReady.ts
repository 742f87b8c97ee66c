import { useSyncExternalStore } from "react";
import { pictureState, watchPictures } from "@/lib/pictures/loader";
import type { Picture } from "./usePictures";

/** Whether the big pictures can be seen: all of them are decoded. Nobody can judge by the small copy under an error message. */
export function useReady(pictures: readonly (Picture | null)[]): boolean {
  return useSyncExternalStore(watchPictures, () => pictures.every((picture) => !picture?.large || pictureState(picture.large) === "ready"));
}

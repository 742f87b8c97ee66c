import { useEffect, useSyncExternalStore } from "react";
import { type PictureState, pictureState, wantPicture, watchPictures } from "./loader";

/** Requests a picture and returns its state, so that it is shown only when decoded. */
export function usePicture(address: string | null, priority: number): PictureState {
  useEffect(() => {
    if (address) wantPicture(address, priority);
  }, [address, priority]);
  return useSyncExternalStore(watchPictures, () => (address ? pictureState(address) : "failed"));
}

import { useEffect, useSyncExternalStore } from "react";
import { type PictureState, pictureState, wantPicture, watchPictures } from "./loader";

/** Asks for a picture and says when it can be shown without a flash. */
export function usePicture(address: string | null, priority: number): PictureState {
  useEffect(() => {
    if (address) wantPicture(address, priority);
  }, [address, priority]);
  return useSyncExternalStore(watchPictures, () => (address ? pictureState(address) : "failed"));
}

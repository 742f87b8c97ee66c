import { useEffect } from "react";
import { Priority, wantPicture } from "@/lib/pictures/loader";
import { neighbours, rowOf, type Session, type View } from "../state/session";
import { type Album, standardPicture, targetPicture } from "./usePictures";

/** Loads ahead: the panels one step to either side, and the whole of the next galaxy. */
export function usePreload(sessions: readonly Session[], albums: ReadonlyMap<number, Album>, shared: View): void {
  const [current, ...next] = sessions;
  useEffect(() => {
    if (!current) return;
    const album = albums.get(current.task.standard_set);
    const row = rowOf(current);
    for (const panel of [row[current.slot - 2], row[current.slot + 1]]) {
      const large = panel && standardPicture(current, album, panel.standardId, shared)?.large;
      if (large) wantPicture(large, Priority.ahead);
    }
    for (const session of next) {
      const view = { ...shared, rotationDeg: 0, flip: false };
      const target = targetPicture(session, view);
      const besides = Object.values(neighbours(session)).map((panel) => panel && standardPicture(session, albums.get(session.task.standard_set), panel.standardId, view));
      const strip = rowOf(session).map((panel) => standardPicture(session, albums.get(session.task.standard_set), panel.standardId, view)?.small);
      for (const address of [target.small, target.large, ...besides.flatMap((picture) => [picture?.small, picture?.large]), ...strip]) {
        if (address) wantPicture(address, Priority.ahead);
      }
    }
  });
}

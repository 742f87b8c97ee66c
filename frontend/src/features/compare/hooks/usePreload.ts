import { useEffect } from "react";
import { Priority, wantPicture } from "@/lib/pictures/loader";
import { confirm, neighbours, rowOf, type Session, type View } from "../state/session";
import { type Album, type Picture, standardPicture, targetPicture } from "./usePictures";

/** So long that nothing is requested while the target is moving past. */
const SETTLED_MS = 150;

const addresses = (pictures: readonly (Picture | null)[]) => pictures.flatMap((picture) => [picture?.small, picture?.large]);

/** What the page shows of a session: target and neighbours large, the strip small. */
function shownOf(session: Session, album: Album | undefined, view: View): (string | null | undefined)[] {
  const picture = (standardId: number) => standardPicture(session, album, standardId, view);
  const trio = [targetPicture(session, view), ...Object.values(neighbours(session)).map((panel) => panel && picture(panel.standardId))];
  return [...addresses(trio), ...rowOf(session).map((panel) => picture(panel.standardId)?.small)];
}

/** Preloads one place to either side, the row that the main button would show with one place to either side, and everything of the next galaxy. */
export function usePreload(sessions: readonly Session[], albums: ReadonlyMap<number, Album>, shared: View): void {
  useEffect(() => {
    const timer = setTimeout(() => {
      const [current, ...next] = sessions;
      if (!current) return;
      const album = albums.get(current.task.standard_set);
      const after = confirm(current);
      const beside = [current, after].flatMap((session) => {
        const row = rowOf(session);
        return [row[session.slot - 2], row[session.slot + 1]].map((panel) => panel && standardPicture(session, album, panel.standardId, shared)?.large);
      });
      const wanted = [
        // Pictures that are shown already stay in the cache; requesting them again loads nothing.
        ...shownOf(current, album, shared),
        ...beside,
        ...shownOf(after, album, shared),
        ...next.flatMap((session) => shownOf(session, albums.get(session.task.standard_set), { ...shared, zoom: 1, rotationDeg: 0, flip: false })),
      ];
      for (const address of wanted) if (address) wantPicture(address, Priority.ahead);
    }, SETTLED_MS);
    return () => clearTimeout(timer);
  });
}

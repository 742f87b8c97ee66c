import type { Task } from "@/lib/api/types";
import { axialRatio, ellipsePath } from "@/lib/ellipse";
import { availableBand, pictureAddress } from "@/lib/pictures/choose";

/** Semi-major axis of the galaxy in a field twice as wide as the galaxy. */
const SEMI_MAJOR = 0.25;

interface Props {
  task: Task;
  ownDeg: number | null;
  theirsDeg: number | null;
  /** Nearer, as in the comparison. */
  isClose?: boolean;
}

/** Two inclinations as ellipses over the galaxy: the user's own, and the one it is compared with. */
export function EllipsePair({ task, ownDeg, theirsDeg, isClose = false }: Props) {
  const band = availableBand(task.target.images, "gri");
  const picture = band && pictureAddress(task.target, band, "large");
  return (
    <div className="own-picture" data-close={isClose || undefined}>
      {picture && <img src={picture} alt="" />}
      <svg viewBox="-0.5 -0.5 1 1" aria-hidden="true" focusable="false">
        {theirsDeg !== null && <path className="ellipse-theirs" d={ellipsePath(SEMI_MAJOR, axialRatio(theirsDeg))} />}
        {ownDeg !== null && <path className="ellipse-own" d={ellipsePath(SEMI_MAJOR, axialRatio(ownDeg))} />}
      </svg>
    </div>
  );
}

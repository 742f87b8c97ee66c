import type { CSSProperties } from "react";
import { Priority, retryPicture } from "@/lib/pictures/loader";
import { usePicture } from "@/lib/pictures/usePicture";
import type { Picture } from "../hooks/usePictures";
import { DEFAULT_CROP } from "../rules/zoom";

interface Props {
  picture: Picture;
  alt: string;
  priority: number;
  /** The strip shows the small file only. */
  isSmall?: boolean;
}

function styleOf({ view, correction, band }: Picture): CSSProperties {
  const scale = DEFAULT_CROP * correction.zoom * view.zoom;
  // From right to left: level the galaxy, mirror it, turn it as asked (clockwise on the screen, mirrored or not), enlarge.
  const transform = `scale(${scale}) rotate(${view.rotationDeg}deg) scaleX(${view.flip ? -1 : 1}) rotate(${correction.rotationDeg}deg)`;
  // Turning the hues back keeps a blue arm blue when colour is inverted.
  const filter = view.invert ? (band === "gri" ? "invert(1) hue-rotate(180deg)" : "invert(1)") : "none";
  return { transform, filter };
}

export function PictureView({ picture, alt, priority, isSmall = false }: Props) {
  const large = isSmall ? picture.small : picture.large;
  const smallState = usePicture(picture.small, isSmall ? priority : Math.max(priority - 1, Priority.target));
  const largeState = usePicture(large, priority);
  const style = styleOf(picture);
  if (!large) return <div className="pic-problem">There is no picture of this galaxy.</div>;
  return (
    <div className="pic" data-state={largeState}>
      {largeState !== "ready" && !isSmall && smallState === "ready" && picture.small && (
        <img className="pic-thumb" src={picture.small} alt="" style={style} draggable={false} />
      )}
      {largeState === "ready" && <img className="pic-full" src={large} alt={alt} style={style} draggable={false} decoding="sync" />}
      {largeState === "failed" && !isSmall && (
        <div className="pic-problem">
          <span>This picture did not arrive.</span>
          <button type="button" className="button small" onClick={() => retryPicture(large)}>
            Try again
          </button>
        </div>
      )}
    </div>
  );
}

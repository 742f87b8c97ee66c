import type { CSSProperties } from "react";
import { SkyPicture } from "@/components/SkyPicture";
import { Priority } from "@/lib/pictures/loader";
import { filterOf } from "@/lib/pictures/filter";
import { usePicture } from "@/lib/pictures/usePicture";
import type { Picture } from "../hooks/usePictures";
import { DEFAULT_CROP } from "../rules/zoom";

interface Props {
  picture: Picture;
  alt: string;
  priority: number;
  /** The strip shows only the small file. */
  isSmall?: boolean;
}

function styleOf({ view, correction, band }: Picture): CSSProperties {
  // A panel that is not square has its own crop, so that all panels show galaxies at the same scale.
  const scale = `calc(var(--crop, ${DEFAULT_CROP}) * ${correction.zoom * view.zoom})`;
  // From right to left: level the galaxy, mirror it, rotate it (clockwise on the screen, mirrored or not), magnify it.
  const transform = `scale(${scale}) rotate(${view.rotationDeg}deg) scaleX(${view.flip ? -1 : 1}) rotate(${correction.rotationDeg}deg)`;
  return { transform, filter: filterOf(band, view.invert) };
}

export function PictureView({ picture, alt, priority, isSmall = false }: Props) {
  const smallState = usePicture(picture.small, isSmall ? priority : Math.max(priority - 1, Priority.target));
  return (
    <SkyPicture
      address={isSmall ? picture.small : picture.large}
      alt={alt}
      priority={priority}
      style={styleOf(picture)}
      preview={smallState === "ready" && !isSmall ? picture.small : null}
      isSmall={isSmall}
    />
  );
}

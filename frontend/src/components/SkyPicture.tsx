import "./picture.css";
import type { CSSProperties } from "react";
import { retryPicture } from "@/lib/pictures/loader";
import { usePicture } from "@/lib/pictures/usePicture";

interface Props {
  address: string | null;
  alt: string;
  priority: number;
  /** Magnification, rotation and colour filter. */
  style?: CSSProperties;
  /** A smaller file of the same picture, shown until the large one is decoded. */
  preview?: string | null;
  /** Too small to show an error message with a button. */
  isSmall?: boolean;
}

/** One picture of the sky, shown once it is decoded; if it fails, an error message offers to try again. */
export function SkyPicture({ address, alt, priority, style, preview = null, isSmall = false }: Props) {
  const state = usePicture(address, priority);
  if (!address) return <div className="pic-problem">There is no picture of this galaxy.</div>;
  return (
    <div className="pic" data-state={state}>
      {state !== "ready" && preview && <img className="pic-thumb" src={preview} alt="" style={style} draggable={false} />}
      {state === "ready" && <img className="pic-full" src={address} alt={alt} style={style} draggable={false} decoding="sync" />}
      {state === "failed" && !isSmall && (
        <div className="pic-problem">
          <span>This picture could not be loaded.</span>
          <button type="button" className="button small" onClick={() => retryPicture(address)}>
            Try again
          </button>
        </div>
      )}
    </div>
  );
}

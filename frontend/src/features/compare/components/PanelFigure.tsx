import type { ReactNode } from "react";
import { ToolButton, ToolToggle } from "@/components/ToolButton";
import { BAND_NAMES } from "@/lib/pictures/choose";
import type { Picture } from "../hooks/usePictures";
import { PictureView } from "./PictureView";

interface Props {
  picture: Picture;
  name: string;
  angle: string;
  hint: string;
  priority: number;
  className: string;
  isInScope: boolean;
  onScope: () => void;
  onRejoin: () => void;
  /** Shown while the pictures are zoomed, because the outline may then be outside the frame. */
  onUnzoom?: (() => void) | undefined;
  children?: ReactNode;
}

/** One large picture with its angle below, and its own controls. */
export function PanelFigure({ picture, name, angle, hint, priority, className, isInScope, onScope, onRejoin, onUnzoom, children }: Props) {
  const isFallback = picture.band !== null && picture.band !== picture.wanted;
  return (
    <figure className={`panel ${className}`} data-scope={isInScope || undefined}>
      <div className="panel-view" data-inverted={picture.view.invert || undefined}>
        <PictureView picture={picture} alt={`${name}, ${angle}`} priority={priority} />
        <div className="panel-badges">
          {onUnzoom && Math.abs(picture.view.zoom - 1) >= 0.05 && (
            <ToolButton className="badge-button" label={`${picture.view.zoom.toFixed(1)}× · reset the zoom`} onPress={onUnzoom}>
              {picture.view.zoom.toFixed(1)}× · reset
            </ToolButton>
          )}
          {picture.isOwn && <ToolButton className="badge-button" label={`Own view of ${name}: show it like the others again`} icon="close" onPress={onRejoin}>own view</ToolButton>}
          {isFallback && picture.band && (
            <span className="badge">
              no {BAND_NAMES[picture.wanted]} picture, here is {BAND_NAMES[picture.band]}
            </span>
          )}
        </div>
      </div>
      <figcaption>
        <strong>{angle}</strong>
        <span className="panel-hint">{hint}</span>
        <ToolToggle className="small" label={`Set ${name} on its own`} icon="adjust" isOn={isInScope} onPress={onScope} />
        {children}
      </figcaption>
    </figure>
  );
}

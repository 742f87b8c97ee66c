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
  children?: ReactNode;
}

/** One big picture with its angle below, and what can be done with it alone. */
export function PanelFigure({ picture, name, angle, hint, priority, className, isInScope, onScope, onRejoin, children }: Props) {
  const isFallback = picture.band !== null && picture.band !== picture.wanted;
  return (
    <figure className={`panel ${className}`} data-scope={isInScope || undefined}>
      <div className="panel-view">
        <PictureView picture={picture} alt={`${name}, ${angle}`} priority={priority} />
        <div className="panel-badges">
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

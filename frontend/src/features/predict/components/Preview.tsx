import { type CSSProperties, type KeyboardEvent, useEffect } from "react";
import { SkyPicture } from "@/components/SkyPicture";
import type { Band } from "@/lib/api/types";
import { filterOf } from "@/lib/pictures/filter";
import { Priority } from "@/lib/pictures/loader";
import type { Source } from "../api/types";
import { type KeyCommand, moveOf } from "../hooks/keys";
import { useViewGestures } from "../hooks/useViewGestures";
import type { Outline } from "../rules/ellipse";
import { cssTransform, enlargeBy, moveBy, pinchBy, type View, viewInWords } from "../rules/view";
import { galaxyName } from "../rules/words";
import { OutlineDrawing } from "./OutlineDrawing";

interface Props {
  source: Source;
  band: Band;
  view: View;
  outline: Outline | null;
  isBusy: boolean;
  onView: (change: (view: View) => View) => void;
  onCommand: (command: KeyCommand) => void;
}

/** The frame that the network sees: the galaxy can be dragged, rotated and magnified in it. */
export function Preview({ source, band, view, outline, isBusy, onView, onCommand }: Props) {
  const { frame, handlers } = useViewGestures({
    onMove: (x, y) => onView((before) => moveBy(before, x, y)),
    onEnlarge: (factor) => onView((before) => enlargeBy(before, factor)),
    onPinch: (pinch) => onView((before) => pinchBy(before, pinch)),
  });
  // Move the focus of keyboard users to the galaxy.
  useEffect(() => {
    frame.current?.focus({ preventScroll: true });
  }, [frame, source.id]);

  const onKeyDown = (event: KeyboardEvent) => {
    const command = moveOf(event);
    if (!command) return;
    event.preventDefault();
    onCommand(command);
  };
  const style: CSSProperties = { transform: cssTransform(view) };
  return (
    // The application role makes it interactive; its name lists the keys.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
    <div
      ref={frame}
      className="preview-frame"
      role="application"
      aria-roledescription="picture that can be moved"
      aria-label={`${galaxyName(source.galaxy)}, as the network sees it. Use the arrow keys to move it, brackets to rotate it, plus and minus to zoom.`}
      aria-describedby="view-words"
      // The picture needs the focus to be moved by keyboard.
      // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
      tabIndex={0}
      data-busy={isBusy || undefined}
      data-band={band === "gri" ? "colour" : "grey"}
      onKeyDown={onKeyDown}
      {...handlers}
    >
      <div className="preview-sky" style={{ filter: filterOf(band, view.isInverted) }}>
        <SkyPicture address={source.pictures[band] ?? null} alt="" priority={Priority.target} style={style} />
      </div>
      {outline && <OutlineDrawing outline={outline} view={view} />}
      <p id="view-words" className="sr-only" aria-live="polite">
        {viewInWords(view)}
      </p>
    </div>
  );
}

import { useEffect, useRef } from "react";
import type { SkyLook } from "@/lib/galaxy/paint";
import { paintSky } from "@/lib/galaxy/paintSky";

interface Props {
  look: SkyLook;
  /** Pixels drawn; the style sheet decides how large they are shown. */
  sidePx: number;
  /** A description of the drawing; without it the drawing is decorative. */
  label?: string;
  className?: string;
}

/** A drawn galaxy. */
export function SkyCanvas({ look, sidePx, label, className }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => (canvas.current ? paintSky(canvas.current, look) : undefined), [look, sidePx]);
  return <canvas ref={canvas} width={sidePx} height={sidePx} className={className} {...(label ? { role: "img", "aria-label": label } : { "aria-hidden": true })} />;
}

const FACTOR_PER_PX = 0.0015;
const LONGEST_PX = 300;

/** The zoom factor of a wheel event, or of a pinch on a touchpad (reported with Ctrl). */
export function wheelFactor({ deltaY, deltaMode, ctrlKey }: Pick<WheelEvent, "deltaY" | "deltaMode" | "ctrlKey">): number {
  const px = deltaY * (deltaMode === 1 ? 16 : deltaMode === 2 ? 400 : 1) * (ctrlKey ? 6 : 1);
  return Math.exp(-FACTOR_PER_PX * Math.max(-LONGEST_PX, Math.min(px, LONGEST_PX)));
}

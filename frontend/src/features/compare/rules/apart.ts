/** The difference between the user's answer and the prediction, in words. */

export function apartWords(ownDeg: number | null, theirsDeg: number | null, sigmaDeg: number | null): string {
  if (ownDeg === null || theirsDeg === null) return "";
  const apart = Math.abs(ownDeg - theirsDeg);
  // Both are shown to a tenth of a degree.
  const shown = Math.abs(ownDeg - Number(theirsDeg.toFixed(1))).toFixed(1);
  if (shown === "0.0") return "You agree to a tenth of a degree.";
  const way = ownDeg > theirsDeg ? "more edge-on" : "more face-on";
  const sum = `You see it ${shown}° ${way} than the network.`;
  if (sigmaDeg === null) return sum;
  if (apart <= sigmaDeg) return `${sum} That is within its uncertainty.`;
  return apart <= 2 * sigmaDeg ? `${sum} That is slightly more than its ± ${sigmaDeg.toFixed(1)}°.` : `${sum} That is far more than its ± ${sigmaDeg.toFixed(1)}°: one of you is wrong.`;
}

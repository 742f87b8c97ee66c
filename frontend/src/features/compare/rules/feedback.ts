/** What a practice galaxy teaches: the judgement and the truth in words. */

/** A judgement beside the truth, as the API tells it. */
interface Judged {
  verdict: "A" | "F" | "J";
  true_deg: number;
  /** Positive if too edge-on; null after a rejection. */
  error_deg: number | null;
}

/** A mean offset of less than this, or of less than this share of the mean error, is said to be none. */
const LEAST_OFFSET_DEG = 1.5;
const LEAST_SHARE = 0.6;
const NEARLY_EDGE_ON_DEG = 80;

const whole = (deg: number): string => `${Math.round(Math.abs(deg))}°`;

export function feedbackWords({ verdict, true_deg: trueDeg, error_deg: errorDeg }: Judged): string {
  if (errorDeg === null) return "This one can be measured: its outline is clear enough.";
  if (verdict === "F") return "It is more tilted than the galaxy at 45°: look at the faint rim, not at the bright middle.";
  if (Math.abs(errorDeg) < 1.5) return "Within about a degree: well seen.";
  if (errorDeg > 0) return `${whole(errorDeg)} too narrow: the faint rim reaches further up and down. Inverting the picture shows it.`;
  const hint = trueDeg >= NEARLY_EDGE_ON_DEG ? "look how thin the disk is on both sides of the bulge" : "look at the faint rim, not at the bright middle";
  return `${whole(errorDeg)} too round: ${hint}.`;
}

export interface Sum {
  /** Mean distance from the truth; null if every galaxy was rejected. */
  meanDeg: number | null;
  offsetDeg: number | null;
}

export function sumOf(judged: readonly Pick<Judged, "error_deg">[]): Sum {
  const errors = judged.flatMap(({ error_deg: error }) => (error === null ? [] : [error]));
  if (errors.length === 0) return { meanDeg: null, offsetDeg: null };
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  return { meanDeg: mean(errors.map(Math.abs)), offsetDeg: mean(errors) };
}

/** The direction in which somebody errs, if there is one. */
export function offsetWords({ meanDeg, offsetDeg }: Sum): string {
  if (meanDeg === null || offsetDeg === null) return "";
  if (Math.abs(offsetDeg) < Math.max(LEAST_OFFSET_DEG, LEAST_SHARE * meanDeg)) return "On average you see them neither too round nor too narrow.";
  return `On average you see them ${Math.abs(offsetDeg).toFixed(1)}° too ${offsetDeg < 0 ? "round" : "narrow"}.`;
}

export const signed = (deg: number): string => (Math.round(deg) === 0 ? "0°" : `${deg > 0 ? "+" : "−"}${whole(deg)}`);

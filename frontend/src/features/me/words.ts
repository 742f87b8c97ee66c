/** The answer of one person, and of all, in words. */

import type { MyEye, Outcome, OwnVote, Practice } from "@/lib/api/types";

/** One decimal place at most: 62.5, 63. */
export const degrees = (value: number): string => `${Math.round(value * 10) / 10}°`;

const withError = (value: number, error: number): string => `${(Math.round(value * 10) / 10 || 0).toFixed(1)}° ± ${error.toFixed(1)}°`;

const VERDICTS = { A: "judged", F: "face-on", J: "rejected" } as const;

export const answerOf = ({ verdict, inclination_deg }: Pick<OwnVote, "verdict" | "inclination_deg">): string =>
  verdict !== "A" || inclination_deg === null ? VERDICTS[verdict] : degrees(inclination_deg);

/** The result of all volunteers together, with its standard error. */
export const outcomeOf = (outcome: Outcome): string =>
  outcome.verdict === "A" && outcome.inclination_deg !== null && outcome.sigma_deg !== null
    ? withError(outcome.inclination_deg, outcome.sigma_deg)
    : answerOf(outcome);

/** Practice in a sentence. */
export function practiceWords({ galaxies, mean_error_deg: error, mean_offset_deg: offset }: Practice): string {
  if (galaxies === 0) return "Practice shows you the true tilt after each galaxy.";
  const sum = `You practised on ${galaxies} galaxies`;
  if (error === null || offset === null) return `${sum}.`;
  return `${sum}: on average ${error.toFixed(1)}° from the truth, ${Math.abs(offset).toFixed(1)}° too ${offset < 0 ? "round" : "narrow"}.`;
}

type Figures = NonNullable<MyEye["figures"]>;

/** An offset below two standard errors may be chance, and is not called a habit. */
const isCertain = ({ offset_deg, offset_error_deg }: Figures): boolean => Math.abs(offset_deg) > 2 * offset_error_deg;

export function offsetInWords(figures: Figures): string {
  const offset = withError(Math.abs(figures.offset_deg), figures.offset_error_deg);
  if (isCertain(figures)) return `You see galaxies ${offset} too ${figures.offset_deg > 0 ? "edge-on" : "face-on"}.`;
  return `On average you agree with the others: the difference is ${withError(figures.offset_deg, figures.offset_error_deg)}.`;
}

export const scatterInWords = ({ scatter_deg, scatter_error_deg }: Figures): string =>
  `A single answer of yours typically differs by ${withError(scatter_deg, scatter_error_deg)}.`;

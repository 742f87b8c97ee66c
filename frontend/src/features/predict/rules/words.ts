/** The prediction in words. */

import type { Answer, Interval, Opinion, Source, SourceGalaxy } from "../api/types";
import { isOwnNumber } from "./request";

const ONE = new Intl.NumberFormat("en", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const PERCENT = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

/** A prediction with an inclination; some networks predict only a verdict. */
export interface Measured {
  inclinationDeg: number;
  sigmaDeg: number | null;
  interval68Deg: Interval | null;
  interval95Deg: Interval | null;
}

export function measuredOf(answer: Answer): Measured | null {
  const { inclination_deg, sigma_deg, interval_68_deg, interval_95_deg } = answer;
  if (inclination_deg === null) return null;
  return { inclinationDeg: inclination_deg, sigmaDeg: sigma_deg, interval68Deg: interval_68_deg, interval95Deg: interval_95_deg };
}

/** What disagrees, by the same rule as on the server: networks without an inclination are not compared. */
export const opponentsOf = ({ models }: Pick<Answer, "models">): "networks" | "bands" =>
  models.filter(({ inclination_deg }) => inclination_deg !== null).length > 1 ? "networks" : "bands";

export const inDegrees = (value: number): string => `${ONE.format(value)}°`;
export const betweenWords = ([from, to]: Interval): string => `${inDegrees(from)} to ${inDegrees(to)}`;

/** Never "0 %" or "100 %": a network is not that sure. */
export function inPercent(probability: number): string {
  if (probability < 0.01) return "< 1 %";
  if (probability > 0.99) return "> 99 %";
  return `${PERCENT.format(100 * probability)} %`;
}

export type Fitness = "fit" | "doubtful" | "unfit";

/** Whether the galaxy can be measured; from a probability of one half a rejection is more likely. */
export function fitnessOf(rejectionProbability: number | null): Fitness {
  if (rejectionProbability === null || rejectionProbability < 0.2) return "fit";
  return rejectionProbability < 0.5 ? "doubtful" : "unfit";
}

export const FITNESS_WORDS: Record<Fitness, string> = {
  fit: "It can be measured",
  doubtful: "It can probably be measured",
  unfit: "Probably unsuitable for a measurement",
};

/** Our network is called "our network"; the others have the names of their architecture. */
export const networkName = (name: string): string => (name.startsWith("ours") ? name.replace("ours", "our network") : name);

const VIEW_NAMES: Record<string, string> = { all: "all bands", gri: "colour alone", g: "g alone", r: "r alone", i: "i alone" };

export const viewName = ({ name }: Opinion): string => VIEW_NAMES[name] ?? name;

export function galaxyName(galaxy: SourceGalaxy): string {
  const number = galaxy.pgc && !isOwnNumber(galaxy.pgc) ? `PGC ${galaxy.pgc}` : "";
  const plain = (text: string) => text.replace(/\s/g, "").toUpperCase();
  if (galaxy.name && number && plain(galaxy.name) !== plain(number)) return `${galaxy.name} · ${number}`;
  if (galaxy.name || number) return galaxy.name || number;
  if (galaxy.ra_deg !== undefined && galaxy.dec_deg !== undefined) return `Galaxy at ${galaxy.ra_deg.toFixed(4)}°, ${galaxy.dec_deg.toFixed(4)}°`;
  return "Your picture";
}

/** One line for screen readers, when the prediction arrives. */
export function answerSpoken(answer: Answer): string {
  const measured = measuredOf(answer);
  const number = measured ? `Inclination ${ONE.format(measured.inclinationDeg)} degrees` : "No inclination";
  const interval = measured?.interval95Deg ? `, in 95 of 100 such cases between ${ONE.format(measured.interval95Deg[0])} and ${ONE.format(measured.interval95Deg[1])}` : "";
  const alarm = answer.disagreement.is_alarming ? " The predictions do not agree; treat the result with care." : "";
  return `${number}${interval}. ${FITNESS_WORDS[fitnessOf(answer.rejection.probability)]}.${alarm}`;
}

const DAY_AND_TIME = new Intl.DateTimeFormat("en", { weekday: "long", hour: "numeric", minute: "2-digit" });

export const expiryWords = ({ expires_at }: Source): string => DAY_AND_TIME.format(new Date(expires_at));

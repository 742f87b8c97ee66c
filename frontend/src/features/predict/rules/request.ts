/** A request: a galaxy by number, name or position, or a picture uploaded before; and its address. */

import { PREDICT_ADDRESS } from "@/lib/router";

export type SourceRequest =
  | { kind: "pgc"; pgc: number }
  | { kind: "name"; name: string }
  | { kind: "position"; ra_deg: number; dec_deg: number; size_arcmin: number }
  | { kind: "source"; id: string };

const MAX_PGC = 999_999_999;
/** Galaxies without a PGC number have a number of 15 digits. */
const OWN_DIGITS = 15;
const MAX_NAME = 80;
export const DEFAULT_SIZE_ARCMIN = 4;
export const SIZE_RANGE_ARCMIN = [0.1, 120] as const;

/** A number alone, or with "PGC" before it, is a PGC number; coordinates are a place; every other text is a name. */
export function requestOfText(text: string): SourceRequest | string {
  const words = text.trim().replace(/\s+/g, " ").replace(/[−–]/g, "-");
  if (!words) return "Type a PGC number, such as 40153, or a name, such as NGC 4321.";
  const number = words.match(/^(?:pgc|leda)?\s*#?\s*([+-]?\d+)$/i)?.[1];
  if (number) return requestOfNumber(number);
  const place = placeOfText(words);
  if (place) return place;
  return words.length > MAX_NAME ? "This is too long for a galaxy's name." : { kind: "name", name: words };
}

function requestOfNumber(number: string): SourceRequest | string {
  const pgc = Number(number);
  if (!/^\d+$/.test(number) || pgc < 1) return `A PGC number is a whole number, 1 or more; ${number} is not.`;
  return pgc <= MAX_PGC || isOwnNumber(pgc) ? { kind: "pgc", pgc } : "This is not a PGC number: it has too many digits.";
}

export const isOwnNumber = (pgc: number): boolean => String(pgc).length === OWN_DIGITS;

const COORDINATES = /^[\d.+-][\d\s.+\-:,;hmsd°'"′″]+$/i;
const NUMBER = /(?<![\d.])[+-]?(?:\d+\.?\d*|\.\d+)/g;

/**
 * Parses a position: degrees ("184.74 +47.30"), or hours and degrees with minutes and optional seconds
 * ("12 18 57.5 +47 18 14", "12h18m57.5s +47d18m14s"). Null if the text is not a position. As in giz/surveys/sesame.py.
 */
export function placeOfText(text: string): SourceRequest | string | null {
  let plain = text.replace(/\b(?:ra|dec|de)\b\s*[=:]?/gi, " ").trim();
  if (!COORDINATES.test(plain)) return null;
  if (/^[+-]?\d+,\d+\s+[+-]?\d+,\d+$/.test(plain)) plain = plain.replace(/,/g, ".");
  const numbers = plain.match(NUMBER) ?? [];
  const signed = numbers.flatMap((number, place) => (place > 0 && /^[+-]/.test(number) ? [place] : []));
  const middle = signed[0] ?? numbers.length / 2;
  const [ra, dec] = [numbers.slice(0, middle), numbers.slice(middle)];
  const isPair = ra.length >= 1 && ra.length <= 3 && dec.length >= 1 && dec.length <= 3 && (ra.length === 1) === (dec.length === 1);
  if (signed.length > 1 || !isPair || !Number.isInteger(middle)) return null;
  const [whole, degrees] = [sexagesimal(ra), sexagesimal(dec)];
  const raDeg = whole === null ? null : whole * (ra.length === 1 && !/h/i.test(plain) ? 1 : 15);
  if (raDeg === null || degrees === null || raDeg < 0 || raDeg >= 360 || Math.abs(degrees) > 90) {
    return "This is not a position on the sky: right ascension goes from 0 to 360° (24 h), declination from −90 to 90°.";
  }
  const round = (value: number) => Math.round(value * 1e6) / 1e6;
  return { kind: "position", ra_deg: round(raDeg), dec_deg: round(degrees), size_arcmin: DEFAULT_SIZE_ARCMIN };
}

/** Combines whole, minutes and seconds; null if minutes or seconds are 60 or more. */
function sexagesimal(parts: string[]): number | null {
  const [whole = 0, ...rest] = parts.map((part) => Math.abs(Number(part)));
  if (rest.some((part) => part >= 60)) return null;
  const value = rest.reduce((sum, part, power) => sum + part / 60 ** (power + 1), whole);
  return parts[0]?.startsWith("-") ? -value : value;
}

/** Parses degrees, or sexagesimal with blanks or colons (right ascension then in hours). Null if it can't be parsed. */
export function readAngle(text: string, unit: "hours" | "degrees"): number | null {
  const plain = text.trim().replace(/−/g, "-").replace(/,/g, ".");
  if (/^[+-]?\d+(\.\d*)?$|^[+-]?\.\d+$/.test(plain)) return Number(plain);
  const parts = plain.match(/^([+-]?)(\d+)[\s:hd°]+(\d+)(?:[\s:m'′]+(\d+(?:\.\d*)?))?\s*[s"″'m′]?$/i);
  if (!parts) return null;
  const [, sign, whole, minutes, seconds = "0"] = parts;
  if (Number(minutes) >= 60 || Number(seconds) >= 60) return null;
  const value = Number(whole) + Number(minutes) / 60 + Number(seconds) / 3600;
  return (sign === "-" ? -1 : 1) * value * (unit === "hours" ? 15 : 1);
}

export interface PositionText {
  ra: string;
  dec: string;
  size: string;
}

/** A request, or an error message for each invalid field. */
export function requestOfPosition({ ra, dec, size }: PositionText): SourceRequest | Partial<PositionText> {
  const raDeg = readAngle(ra, "hours");
  const decDeg = readAngle(dec, "degrees");
  const sizeArcmin = readAngle(size, "degrees");
  const [smallest, largest] = SIZE_RANGE_ARCMIN;
  const problems: Partial<PositionText> = {
    ...((raDeg === null || raDeg < 0 || raDeg >= 360) && { ra: "Degrees from 0 to 360, or hours as 12 22 54.9." }),
    ...((decDeg === null || Math.abs(decDeg) > 90) && { dec: "Degrees from −90 to 90, or as +15 49 20." }),
    ...((sizeArcmin === null || sizeArcmin < smallest || sizeArcmin > largest) && { size: `Arcminutes from ${smallest} to ${largest}.` }),
  };
  if (Object.keys(problems).length > 0) return problems;
  const round = (value: number | null) => Math.round((value ?? 0) * 1e6) / 1e6;
  return { kind: "position", ra_deg: round(raDeg), dec_deg: round(decDeg), size_arcmin: round(sizeArcmin) };
}

export const isRequest = (value: object | string): value is SourceRequest => typeof value === "object" && "kind" in value;

export function addressOf(request: SourceRequest | null, view: Record<string, string> = {}): string {
  const own: Record<string, string> = {};
  if (request?.kind === "name") own.name = request.name;
  if (request?.kind === "source") own.source = request.id;
  if (request?.kind === "position") Object.assign(own, { ra: String(request.ra_deg), dec: String(request.dec_deg), size: String(request.size_arcmin) });
  const path = request?.kind === "pgc" ? `${PREDICT_ADDRESS}/pgc/${request.pgc}` : PREDICT_ADDRESS;
  const query = new URLSearchParams({ ...own, ...view }).toString();
  return query ? `${path}?${query}` : path;
}

/** The request in an address; null if there is no valid one. */
export function requestOfAddress(path: string, query: URLSearchParams): SourceRequest | null {
  const pgc = path.match(/^\/predict\/pgc\/(\d{1,9}|\d{15})\/?$/)?.[1];
  if (pgc) return { kind: "pgc", pgc: Number(pgc) };
  const id = query.get("source");
  if (id && /^[\w-]{1,64}$/.test(id)) return { kind: "source", id };
  const name = query.get("name")?.trim();
  if (name) return { kind: "name", name: name.slice(0, MAX_NAME) };
  const [ra, dec] = [query.get("ra"), query.get("dec")];
  if (ra === null || dec === null) return null;
  const request = requestOfPosition({ ra, dec, size: query.get("size") ?? String(DEFAULT_SIZE_ARCMIN) });
  return isRequest(request) ? request : null;
}

/** The request in the format of the API. */
export function bodyOfRequest(request: SourceRequest): Record<string, string | number> {
  switch (request.kind) {
    case "pgc":
      return { pgc: request.pgc };
    case "name":
      return { name: request.name };
    case "position":
      return { ra_deg: request.ra_deg, dec_deg: request.dec_deg, size_arcmin: request.size_arcmin };
    case "source":
      return {};
  }
}

export function requestInWords(request: SourceRequest): string {
  switch (request.kind) {
    case "pgc":
      return isOwnNumber(request.pgc) ? `galaxy ${request.pgc}` : `PGC ${request.pgc}`;
    case "name":
      return request.name;
    case "position":
      return `${request.ra_deg}°, ${request.dec_deg}°`;
    case "source":
      return "your picture";
  }
}

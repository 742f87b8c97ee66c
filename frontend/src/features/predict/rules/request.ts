/** What somebody asks for: a galaxy by number, name or position, or a picture that was uploaded before; and its address. */

import { PREDICT_ADDRESS } from "@/lib/router";

export type SourceRequest =
  | { kind: "pgc"; pgc: number }
  | { kind: "name"; name: string }
  | { kind: "position"; ra_deg: number; dec_deg: number; size_arcmin: number }
  | { kind: "source"; id: string };

const MAX_PGC = 999_999_999;
const MAX_NAME = 80;
export const DEFAULT_SIZE_ARCMIN = 4;
export const SIZE_RANGE_ARCMIN = [0.1, 120] as const;

/** A number alone, or with "PGC" before it, is a PGC number; every other text is a name. */
export function requestOfText(text: string): SourceRequest | string {
  const words = text.trim().replace(/\s+/g, " ");
  if (!words) return "Type a PGC number, such as 40153, or a name, such as NGC 4321.";
  const number = words.match(/^(?:pgc|leda)?\s*#?\s*(\d+)$/i)?.[1];
  if (!number) return words.length > MAX_NAME ? "That is too long for a galaxy's name." : { kind: "name", name: words };
  const pgc = Number(number);
  return pgc >= 1 && pgc <= MAX_PGC ? { kind: "pgc", pgc } : "That is no PGC number: it has too many digits.";
}

/** Degrees, or sexagesimal with blanks or colons; right ascensions in hours then. Null where it can't be read. */
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

/** A request, or a sentence for each field that can't be read. */
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

/** What an address asks for; null where it asks for nothing that can be read. */
export function requestOfAddress(path: string, query: URLSearchParams): SourceRequest | null {
  const pgc = path.match(/^\/predict\/pgc\/(\d{1,9})\/?$/)?.[1];
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

/** The request as the API takes it. */
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
      return `PGC ${request.pgc}`;
    case "name":
      return request.name;
    case "position":
      return `${request.ra_deg}°, ${request.dec_deg}°`;
    case "source":
      return "your picture";
  }
}

import { describe, expect, it } from "vitest";
import { ApiError, UNREACHABLE } from "@/lib/api/client";
import { isForgotten, mayHelpAgain, problemInWords } from "./problems";

describe("what went wrong", () => {
  it("is said in the server's words where they help", () => {
    expect(problemInWords(new ApiError(404, "no_size", "NGC 1 is known, its size is not."))).toBe("NGC 1 is known, its size is not.");
    expect(problemInWords(new ApiError(503, "no_model", "No trained network answers here yet."))).toContain("No trained network answers here yet.");
  });

  it("never shows a bare status, and says that what was entered is kept", () => {
    for (const error of [new ApiError(0, UNREACHABLE, ""), new ApiError(502, "http_502", "The server answered 502."), new ApiError(429, "too_many_requests", "At most 300.", 12)]) {
      expect(problemInWords(error)).toContain("is kept");
      expect(problemInWords(error)).not.toMatch(/\b[45]\d\d\b/);
    }
    expect(problemInWords(new ApiError(429, "too_many_requests", "", 12))).toContain("12 seconds");
    expect(problemInWords(new TypeError("x"))).toContain("try again");
  });

  it("knows what the server has forgotten after a day", () => {
    expect(isForgotten(new ApiError(404, "not_found", "Not found."))).toBe(true);
    expect(isForgotten(new ApiError(0, UNREACHABLE, ""))).toBe(false);
  });

  const stranger = (status: number) => new ApiError(status, `http_${status}`, `The server answered ${status}.`);

  it("says of a proxy's limit that it is one, and not that the server has a problem [flow F13]", () => {
    expect(problemInWords(stranger(413))).toMatch(/too large.*proxy/);
    for (const status of [400, 401, 403, 404, 405, 413, 415, 429]) {
      expect(problemInWords(stranger(status))).not.toContain("The server has a problem");
      expect(problemInWords(stranger(status))).not.toMatch(/\b4\d\d\b/);
    }
    expect(problemInWords(stranger(502))).toContain("The server has a problem");
  });

  it("offers another try only where that can help [ux C22]", () => {
    const of = (status: number, code: string) => mayHelpAgain(new ApiError(status, code, ""));
    expect([of(404, "not_found"), of(400, "bad_name"), of(400, "bad_picture"), of(400, "bad_fits"), of(400, "band_twice"), of(413, "too_large"), of(415, "unsupported_type")]).not.toContain(true);
    expect([of(413, "http_413"), of(403, "http_403"), of(404, "not_covered"), of(404, "no_size")]).not.toContain(true);
    // A fetch that failed is told as 404 with the reason as its code.
    expect([of(0, UNREACHABLE), of(503, "unavailable"), of(502, "http_502"), of(404, "http_404"), of(429, "too_many_requests"), of(404, "no_network"), of(404, "survey_down")]).not.toContain(false);
    expect(mayHelpAgain(new TypeError("x"))).toBe(true);
  });

  it("speaks of file names, not of the API's fields, and of whose network is down [ux C22]", () => {
    expect(problemInWords(new ApiError(400, "band_twice", "Name the bands by the fields g, r, i, gri."))).toContain("_gri");
    expect(problemInWords(new ApiError(404, "no_network", "cds.unistra.fr can't be found"))).toContain("your own connection");
  });
});

import { describe, expect, it } from "vitest";
import { ApiError, UNREACHABLE } from "@/lib/api/client";
import { isForgotten, problemInWords } from "./problems";

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
    expect(problemInWords(new TypeError("x"))).toContain("try once more");
  });

  it("knows what the server has forgotten after a day", () => {
    expect(isForgotten(new ApiError(404, "not_found", "Not found."))).toBe(true);
    expect(isForgotten(new ApiError(0, UNREACHABLE, ""))).toBe(false);
  });
});

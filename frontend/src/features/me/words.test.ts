import { expect, test } from "vitest";
import type { Outcome } from "@/lib/api/types";
import { answerOf, offsetInWords, outcomeOf, scatterInWords } from "./words";

const outcome = (changes: Partial<Outcome>): Outcome => ({ verdict: "A", inclination_deg: 63.42, sigma_deg: 1.94, people: 3, settled_at: "", ...changes });

test("an answer is an angle or a word", () => {
  expect(answerOf({ verdict: "A", inclination_deg: 62 })).toBe("62°");
  expect(answerOf({ verdict: "A", inclination_deg: 62.5 })).toBe("62.5°");
  expect(answerOf({ verdict: "F", inclination_deg: null })).toBe("face-on");
  expect(answerOf({ verdict: "J", inclination_deg: null })).toBe("rejected");
});

test("an outcome has its error where there is one", () => {
  expect(outcomeOf(outcome({}))).toBe("63.4° ± 1.9°");
  expect(outcomeOf(outcome({ sigma_deg: null }))).toBe("63.4°");
  expect(outcomeOf(outcome({ verdict: "F", inclination_deg: null }))).toBe("face-on");
});

const figures = (offset_deg: number) => ({ galaxies: 60, offset_deg, offset_error_deg: 0.42, scatter_deg: 3.3, scatter_error_deg: 0.3 });

test("an offset is a habit only beyond two errors", () => {
  expect(offsetInWords(figures(1.2))).toBe("You see galaxies 1.2° ± 0.4° too edge-on.");
  expect(offsetInWords(figures(-1.2))).toBe("You see galaxies 1.2° ± 0.4° too face-on.");
  expect(offsetInWords(figures(-0.3))).toBe("On average you agree with the others: the difference is -0.3° ± 0.4°.");
  expect(scatterInWords(figures(0))).toBe("A single answer of yours typically differs by 3.3° ± 0.3°.");
});

import { expect, test } from "vitest";
import type { OwnVotes } from "@/lib/api/types";
import { votesOf } from "./api";

const page = (...keys: string[]) => ({ results: keys.map((key) => ({ key })) }) as Pick<OwnVotes, "results">;

test("a vote that two pages repeat is shown once, and the order stays", () => {
  const keys = votesOf([page("c", "b"), page("b", "a")]).map((vote) => vote.key);
  expect(keys).toEqual(["c", "b", "a"]);
});

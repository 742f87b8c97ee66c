/** Finished rounds of practice on this device, until an account keeps them. Their tokens end after a week. */

import { ApiError } from "./api/client";
import { keepPractice } from "./api/calls";

const KEY = "giz-practice";
const MOST = 10;

interface Rounds {
  tokens: string[];
  /** Whether the user asked to keep them: on a shared computer the next account may be somebody else's. */
  isWanted: boolean;
}

function read(): Rounds {
  try {
    const { tokens, isWanted } = JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Rounds>;
    return { tokens: Array.isArray(tokens) ? tokens.filter((token) => typeof token === "string") : [], isWanted: isWanted === true };
  } catch {
    return { tokens: [], isWanted: false };
  }
}

function write(rounds: Rounds): void {
  try {
    if (rounds.tokens.length === 0) localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, JSON.stringify(rounds));
  } catch {
    // Storage is full or forbidden: then the rounds end with this visit.
  }
}

export function rememberRound(token: string): void {
  const { tokens } = read();
  write({ tokens: [...tokens.filter((one) => one !== token), token].slice(-MOST), isWanted: false });
}

/** The next account that logs in on this browser keeps the rounds. */
export const wantRounds = () => write({ ...read(), isWanted: true });

/** Keeps the wanted rounds in the account that is logged in; returns whether all of them have been sent. */
export async function keepWantedRounds(): Promise<boolean> {
  const { tokens, isWanted } = read();
  if (!isWanted) return false;
  for (const token of tokens) {
    try {
      await keepPractice(token);
    } catch (error) {
      // What the server refuses for good is not tried again.
      if (error instanceof ApiError && error.isPassing) return false;
    }
    write({ ...read(), tokens: read().tokens.filter((one) => one !== token) });
  }
  return tokens.length > 0;
}

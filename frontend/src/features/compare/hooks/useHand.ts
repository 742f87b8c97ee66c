import { type Dispatch, useCallback, useEffect, useReducer, useRef } from "react";
import { type Deck, type DeckAction, deckReducer, EMPTY_DECK } from "../state/deck";
import { holdTask } from "../state/heldTasks";
import { clearHand, forgetInHand } from "@/lib/handStore";
import { keepSession, sessionOf } from "../state/keptSession";

/** How long a user without a connection can return to the galaxies of a page that was left; otherwise the server leases them again. */
const TAKEN_UP_MS = 15 * 60_000;

let left: { owner: string; deck: Deck; at: number } | null = null;

function deckOf(owner: string): Deck {
  return !navigator.onLine && left?.owner === owner && Date.now() - left.at < TAKEN_UP_MS ? left.deck : EMPTY_DECK;
}

/** The galaxies that a volunteer holds. The state of the first one is saved on this device until it is judged. */
export function useHand(campaign: string, volunteer: string): [Deck, Dispatch<DeckAction>] {
  const owner = `${volunteer} ${campaign}`;
  const [deck, dispatch] = useReducer(deckReducer, owner, deckOf);
  const latest = useRef(deck);

  useEffect(() => clearHand("old"), []);

  useEffect(() => {
    const [current] = deck.sessions;
    if (current) keepSession(volunteer, current);
    const ids = new Set(deck.sessions.map((session) => session.task.id));
    for (const { task } of latest.current.sessions) if (!ids.has(task.id)) forgetInHand(volunteer, task.id);
    latest.current = deck;
  }, [deck, volunteer]);

  useEffect(() => {
    for (const { task } of latest.current.sessions) holdTask(task.id);
    return () => {
      left = { owner, deck: latest.current, at: Date.now() };
    };
  }, [owner]);

  const deal = useCallback(
    (action: DeckAction) => dispatch(action.kind === "dealt" ? { ...action, session: sessionOf(volunteer, action.task) } : action),
    [volunteer],
  );
  return [deck, deal];
}

import { type Dispatch, useCallback, useEffect, useReducer, useRef } from "react";
import { type Deck, type DeckAction, deckReducer, EMPTY_DECK } from "../state/deck";
import { clearHand, forgetInHand } from "@/lib/handStore";
import { forgetTask, keepTasks } from "@/lib/keptTasks";
import { keepSession, sessionOf } from "../state/keptSession";

/** The galaxies that a volunteer holds. They, and the state of the first one, are saved on this device until they are judged. */
export function useHand(volunteer: string): [Deck, Dispatch<DeckAction>] {
  const [deck, dispatch] = useReducer(deckReducer, EMPTY_DECK);
  const latest = useRef(deck);

  useEffect(() => clearHand("old"), []);

  useEffect(() => {
    const [current] = deck.sessions;
    if (current) keepSession(volunteer, current);
    const ids = new Set(deck.sessions.map((session) => session.task.id));
    for (const { task } of latest.current.sessions) {
      if (ids.has(task.id)) continue;
      forgetInHand(volunteer, task.id);
      forgetTask(volunteer, task.id);
    }
    if (deck.sessions.some(({ task }, place) => latest.current.sessions[place]?.task.id !== task.id)) {
      keepTasks(
        volunteer,
        deck.sessions.map(({ task }) => task),
      );
    }
    latest.current = deck;
  }, [deck, volunteer]);

  const deal = useCallback(
    (action: DeckAction) => dispatch(action.kind === "dealt" ? { ...action, session: sessionOf(volunteer, action.task) } : action),
    [volunteer],
  );
  return [deck, deal];
}

/** The galaxies leased by this page: the first is being judged, the others are next. No React. */

import type { Task } from "@/lib/api/types";
import { confirm, drawOthers, keyOfPanel, placeAt, type Remarks, type Session, type Side, startSession, stepBack, type View } from "./session";

/** What the tools act on: all pictures, or one of the three. */
export type Scope = "all" | "target" | Side;

export interface Deck {
  readonly sessions: readonly Session[];
  readonly scope: Scope;
}

export type DeckAction =
  | { kind: "dealt"; task: Task; session?: Session }
  | { kind: "finished"; taskId: string }
  | { kind: "returned"; session: Session }
  | { kind: "renewed"; taskId: string; dueAt: string; dueInS: number }
  | { kind: "place"; slot: number }
  | { kind: "move"; by: -1 | 1 }
  | { kind: "confirm" }
  | { kind: "step_back" }
  | { kind: "redraw"; which: Side | "all" }
  | { kind: "remark"; remarks: Remarks }
  | { kind: "scope"; scope: Scope }
  | { kind: "zoom"; zoom: number; shared: View }
  | { kind: "unzoom" }
  | { kind: "turn"; byDeg: number; shared: View }
  | { kind: "flip"; shared: View }
  | { kind: "own_view"; change: Partial<View>; shared: View }
  | { kind: "rejoin"; which: "target" | Side }
  | { kind: "reset_view" };

export const EMPTY_DECK: Deck = { sessions: [], scope: "all" };

function turned(deg: number, byDeg: number): number {
  const sum = (deg + byDeg) % 360;
  return sum > 180 ? sum - 360 : sum <= -180 ? sum + 360 : sum;
}

/** Changes the view of the panel in scope; `shared` is its view until it has its own. */
function withOwnView(session: Session, scope: Scope, shared: View, change: (view: View) => Partial<View>): Session {
  const key = scope === "all" ? null : keyOfPanel(session, scope);
  if (key === null) return session;
  const view = session.own[key] ?? shared;
  return { ...session, own: { ...session.own, [key]: { ...view, ...change(view) } } };
}

function withoutOwnView(session: Session, which: "target" | Side): Session {
  const key = keyOfPanel(session, which);
  return { ...session, own: Object.fromEntries(Object.entries(session.own).filter(([name]) => name !== String(key))) };
}

function changeSession(session: Session, scope: Scope, action: DeckAction): Session {
  switch (action.kind) {
    case "place":
      return placeAt(session, action.slot);
    case "move":
      return placeAt(session, session.slot + action.by);
    case "confirm":
      return confirm(session);
    case "step_back":
      return stepBack(session);
    case "redraw":
      return drawOthers(session, action.which);
    case "remark":
      return { ...session, remarks: action.remarks };
    case "zoom":
      if (scope === "all") return { ...session, zoom: action.zoom };
      return withOwnView(session, scope, action.shared, () => ({ zoom: action.zoom }));
    case "unzoom":
      return { ...session, zoom: 1, own: Object.fromEntries(Object.entries(session.own).map(([key, view]) => [key, view && { ...view, zoom: 1 }])) };
    case "turn":
      if (scope === "all") return { ...session, rotationDeg: turned(session.rotationDeg, action.byDeg) };
      return withOwnView(session, scope, action.shared, (view) => ({ rotationDeg: turned(view.rotationDeg, action.byDeg) }));
    case "flip":
      if (scope === "all") return { ...session, flip: !session.flip };
      return withOwnView(session, scope, action.shared, (view) => ({ flip: !view.flip }));
    case "own_view":
      return withOwnView(session, scope, action.shared, () => action.change);
    case "rejoin":
      return withoutOwnView(session, action.which);
    case "reset_view":
      return scope === "all" ? { ...session, zoom: 1, rotationDeg: 0, flip: false, own: {} } : withoutOwnView(session, scope);
    default:
      return session;
  }
}

export function deckReducer(deck: Deck, action: DeckAction): Deck {
  switch (action.kind) {
    case "dealt":
      if (deck.sessions.some((session) => session.task.id === action.task.id)) return deck;
      return { ...deck, sessions: [...deck.sessions, action.session ?? startSession(action.task)] };
    case "finished":
      return { scope: "all", sessions: deck.sessions.filter((session) => session.task.id !== action.taskId) };
    case "returned": {
      const others = deck.sessions.filter((session) => session.task.id !== action.session.task.id);
      return { scope: "all", sessions: [{ ...action.session, motion: "none" }, ...others] };
    }
    case "renewed":
      return {
        ...deck,
        sessions: deck.sessions.map((session) =>
          session.task.id === action.taskId ? { ...session, task: { ...session.task, due_at: action.dueAt, due_in_s: action.dueInS } } : session,
        ),
      };
    case "scope":
      return { ...deck, scope: action.scope };
    default: {
      const [current, ...rest] = deck.sessions;
      if (!current) return deck;
      return { ...deck, sessions: [changeSession(current, deck.scope, action), ...rest] };
    }
  }
}

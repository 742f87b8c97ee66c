import { useMemo } from "react";
import type { Band } from "@/lib/api/types";
import { setPreferences } from "@/lib/preferences";
import { clampZoom, zoomBy } from "../rules/zoom";
import type { DeckAction } from "../state/deck";
import { keyOfPanel, rowOf, type Side, type View } from "../state/session";
import type { KeyCommand } from "./keys";
import type { Mood, Pace } from "../state/pace";
import type { Labelling } from "./useLabelling";

export type DialogName = "reject" | "remark" | "help" | "guide" | "large";

const BANDS: readonly Band[] = ["gri", "g", "r", "i"];

/** All commands of the comparison, shared by buttons, keys and touch; keys only when the pace allows them. */
export function useCommands(labelling: Labelling, shared: View, { pace, mood }: { pace: Pace; mood: Mood }, openDialog: (dialog: DialogName) => void) {
  return useMemo(() => {
    const { dispatch, current, deck } = labelling;
    const { scope } = deck;
    const key = current && scope !== "all" ? keyOfPanel(current, scope) : null;
    const view: View = (key !== null && current?.own[key]) || shared;

    /** Colour and inversion: for the panel in scope, or for all panels and then saved. */
    const show = (change: Partial<Pick<View, "band" | "invert">>) => {
      if (scope === "all") setPreferences(change);
      else dispatch({ kind: "own_view", change, shared });
    };
    /** Zoom is never saved: the next galaxy would be shown without its outline. */
    const zoomTo = (zoom: number) => dispatch({ kind: "zoom", zoom, shared });
    /** A change by somebody who sees the galaxy. */
    const act = (action: DeckAction) => {
      pace.touched();
      dispatch(action);
    };
    const open = (dialog: DialogName) => {
      if (dialog !== "help" && dialog !== "guide") pace.touched();
      openDialog(dialog);
    };
    const commands = {
      view,
      mood,
      move: (by: -1 | 1) => act({ kind: "move", by }),
      place: (slot: number) => act({ kind: "place", slot }),
      confirm: () => mood === "free" && labelling.confirm(),
      stepBack: () => act({ kind: "step_back" }),
      redraw: (which: Side | "all") => act({ kind: "redraw", which }),
      band: (band: Band) => show({ band }),
      nextBand: () => show({ band: BANDS[(BANDS.indexOf(view.band) + 1) % BANDS.length] ?? "gri" }),
      invert: () => show({ invert: !view.invert }),
      zoom: (steps: number) => zoomTo(zoomBy(view.zoom, steps)),
      unzoom: () => dispatch({ kind: "unzoom" }),
      pinch: (factor: number) => zoomTo(clampZoom(view.zoom * factor)),
      turn: (byDeg: number) => dispatch({ kind: "turn", byDeg, shared }),
      flip: () => dispatch({ kind: "flip", shared }),
      reset: () => {
        if (scope === "all") setPreferences({ band: "gri", invert: false });
        dispatch({ kind: "reset_view" });
      },
      scope: (which: "all" | "target" | Side) => dispatch({ kind: "scope", scope: which }),
      rejoin: (which: "target" | Side) => {
        dispatch({ kind: "rejoin", which });
        if (scope === which) dispatch({ kind: "scope", scope: "all" });
      },
      undo: () => void labelling.undo(),
      skip: () => void labelling.skip(),
      open,
    };
    const run = (command: KeyCommand) => {
      if (!pace.allows(command.do)) return undefined;
      switch (command.do) {
        case "move": return commands.move(command.by);
        case "place": return commands.place(command.slot);
        case "place_last": return commands.place(current ? rowOf(current).length : 0);
        case "confirm": return commands.confirm();
        case "step_back": return commands.stepBack();
        case "redraw": return commands.redraw(command.which);
        case "band": return commands.band(command.band);
        case "next_band": return commands.nextBand();
        case "invert": return commands.invert();
        case "zoom": return commands.zoom(command.steps);
        case "turn": return commands.turn(command.byDeg);
        case "flip": return commands.flip();
        case "reset": return commands.reset();
        case "undo": return commands.undo();
        case "skip": return commands.skip();
        case "reject": case "remark": case "large": case "guide":
          return current ? open(command.do) : undefined;
        case "help": return open("help");
      }
    };
    return { ...commands, run };
  }, [labelling, shared, pace, mood, openDialog]);
}

export type Commands = ReturnType<typeof useCommands>;

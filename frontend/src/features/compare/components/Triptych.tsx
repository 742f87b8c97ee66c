import { ToolButton } from "@/components/ToolButton";
import { Priority } from "@/lib/pictures/loader";
import type { Commands } from "../hooks/useCommands";
import { useGestures } from "../hooks/useGestures";
import type { Picture } from "../hooks/usePictures";
import { FIRST_WINDOW, LAST_WINDOW } from "../rules/grid";
import { hasOther, type Panel } from "../rules/panels";
import { caption } from "../rules/place";
import type { Scope } from "../state/deck";
import { neighbours, rowOf, type Session, type Side } from "../state/session";
import { PanelFigure } from "./PanelFigure";

export interface Trio {
  target: Picture;
  left: Picture | null;
  right: Picture | null;
}

interface Props {
  session: Session;
  trio: Trio;
  scope: Scope;
  commands: Commands;
  showKeys: boolean;
}

const HINTS: Record<Side, string> = { left: "more face-on", right: "more edge-on" };

function EmptyNeighbour({ side, text }: { side: Side; text: string }) {
  return (
    <div className={`panel panel-${side} panel-empty`}>
      <p>{text}</p>
    </div>
  );
}

/** The text beside the target at the ends of a row. */
function emptyText({ place }: Session, side: Side): string {
  const isEnd = place.step === "A" || place.window === (side === "left" ? FIRST_WINDOW : LAST_WINDOW);
  if (!isEnd) return side === "left" ? "More face-on standards come next" : "More edge-on standards come next";
  if (side === "left") return "More face-on than any standard";
  return place.step === "A" ? "From here to edge-on" : "Fully edge-on";
}

export function Triptych({ session, trio, scope, commands, showKeys }: Props) {
  const { frame, ...gestures } = useGestures({ onSwipe: commands.move, onPinch: commands.pinch, onLongPress: () => commands.open("large") });
  const beside = neighbours(session);

  const neighbour = (side: Side, panel: Panel | null, picture: Picture | null) => {
    if (!panel || !picture) return <EmptyNeighbour side={side} text={panel ? "This standard is missing" : emptyText(session, side)} />;
    return (
      <PanelFigure
        key={panel.standardId}
        className={`panel-${side}`}
        picture={picture}
        name={`the ${side} standard`}
        angle={`${panel.degrees}°`}
        hint={HINTS[side]}
        priority={Priority.neighbour}
        isInScope={scope === side}
        onScope={() => commands.scope(scope === side ? "all" : side)}
        onRejoin={() => commands.rejoin(side)}
      >
        <ToolButton
          className="small"
          label={`Other ${panel.degrees}° standard on the ${side}`}
          icon="other"
          shortcut={showKeys ? (side === "left" ? "N" : "M") : undefined}
          isDisabled={!hasOther(session.task, panel)}
          onPress={() => commands.redraw(side)}
        >
          <span className="wide-only">other</span>
        </ToolButton>
      </PanelFigure>
    );
  };

  return (
    <section className="triptych" aria-label="Your galaxy between its two neighbours" ref={frame} {...gestures}>
      <div className="triptych-inner">
        {neighbour("left", beside.left, trio.left)}
        <PanelFigure
          key={session.task.id}
          className="panel-target"
          picture={trio.target}
          name="your galaxy"
          angle={caption(rowOf(session), session.slot, session.place)}
          hint="your galaxy"
          priority={Priority.target}
          isInScope={scope === "target"}
          onScope={() => commands.scope(scope === "target" ? "all" : "target")}
          onRejoin={() => commands.rejoin("target")}
          onUnzoom={commands.unzoom}
        />
        {neighbour("right", beside.right, trio.right)}
      </div>
    </section>
  );
}

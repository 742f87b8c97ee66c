import { Button } from "react-aria-components";
import { Icon } from "@/components/Icon";
import type { Commands } from "../hooks/useCommands";
import type { Mood } from "../state/pace";
import { actionLabel } from "../rules/place";
import { rowOf, type Session } from "../state/session";

interface Props {
  session: Session;
  commands: Commands;
  showKeys: boolean;
}

/** Why the main button is disabled; nothing if that lasts only an instant. */
const WAITING: Partial<Record<Mood, string>> = { coming: "Loading pictures …", kept: "Loading pictures …", refused: "One moment …" };

export function DecisionBar({ session, commands, showKeys }: Props) {
  const row = rowOf(session);
  const waiting = WAITING[commands.mood];
  const key = (name: string) => showKeys && <span className="key" data-key={name} aria-hidden="true" />;
  return (
    <footer className="decisions">
      <div className="decisions-left">
        <Button className="button reject" onPress={() => commands.open("reject")}>
          Reject… {key("X")}
        </Button>
      </div>
      <Button className="button move" aria-label="Move to more face-on" isDisabled={session.slot === 0} onPress={() => commands.move(-1)}>
        <Icon name="left" />
        <span className="wide-only">more face-on</span>
        {key("←")}
      </Button>
      <Button className="button primary go" isDisabled={commands.mood !== "free" || row.length === 0} onPress={commands.confirm} data-mood={commands.mood}>
        <span className="go-label" data-hidden={waiting !== undefined || undefined}>
          {actionLabel(row, session.slot, session.place)} {key("Enter")}
        </span>
        {waiting && <span className="go-label">{waiting}</span>}
      </Button>
      <p className="sr-only" role="status">
        {commands.mood === "kept" ? "Enter works as soon as the pictures have loaded" : commands.mood === "refused" ? "Too early: please look at the pictures first" : ""}
      </p>
      <Button className="button move" aria-label="Move to more edge-on" isDisabled={session.slot === row.length} onPress={() => commands.move(1)}>
        {key("→")}
        <span className="wide-only">more edge-on</span>
        <Icon name="right" />
      </Button>
      <div className="decisions-right">
        {session.place.step === "B" && (
          <Button className="button quiet step-back" aria-label="Back to A" onPress={commands.stepBack}>
            <Icon name="back" />
            <span className="wide-only">back to A</span>
            {key("⌫")}
          </Button>
        )}
      </div>
    </footer>
  );
}

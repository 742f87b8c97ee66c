import { Button } from "react-aria-components";
import { Icon } from "@/components/Icon";
import type { Commands } from "../hooks/useCommands";
import { actionLabel } from "../rules/place";
import { rowOf, type Session } from "../state/session";

interface Props {
  session: Session;
  commands: Commands;
  isReady: boolean;
  showKeys: boolean;
}

export function DecisionBar({ session, commands, isReady, showKeys }: Props) {
  const row = rowOf(session);
  const key = (name: string) => showKeys && <span className="key" data-key={name} aria-hidden="true" />;
  return (
    <footer className="decisions">
      <div className="decisions-left">
        <Button className="button reject" onPress={() => commands.open("reject")}>
          Reject… {key("X")}
        </Button>
      </div>
      <Button className="button move" aria-label="Move it to more face-on" isDisabled={session.slot === 0} onPress={() => commands.move(-1)}>
        <Icon name="left" />
        <span className="wide-only">more face-on</span>
        {key("←")}
      </Button>
      <Button className="button primary go" isDisabled={!isReady || row.length === 0} onPress={commands.confirm}>
        {actionLabel(row, session.slot, session.place)} {key("Enter")}
      </Button>
      <Button className="button move" aria-label="Move it to more edge-on" isDisabled={session.slot === row.length} onPress={() => commands.move(1)}>
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

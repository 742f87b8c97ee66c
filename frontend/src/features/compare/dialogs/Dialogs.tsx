import "./dialogs.css";
import type { Trio } from "../components/Triptych";
import type { DialogName } from "../hooks/useCommands";
import type { Labelling } from "../hooks/useLabelling";
import type { Session } from "../state/session";
import { FullScreen } from "./FullScreen";
import { GuideSheet } from "./GuideSheet";
import { HelpSheet } from "./HelpSheet";
import { ReasonSheet } from "./ReasonSheet";

interface Props {
  name: DialogName;
  session: Session;
  trio: Trio;
  labelling: Labelling;
  onTour: () => void;
  onClose: () => void;
}

/** The dialogs of the comparison, loaded when the browser is idle or when first needed. */
export default function Dialogs({ name, session, trio, labelling, onTour, onClose }: Props) {
  switch (name) {
    case "reject":
    case "remark":
      return (
        <ReasonSheet
          isRemark={name === "remark"}
          remarks={session.remarks}
          onClose={onClose}
          onDone={(remarks) => {
            if (name === "reject") labelling.reject(remarks);
            else labelling.dispatch({ kind: "remark", remarks });
            onClose();
          }}
        />
      );
    case "help":
      return (
        <HelpSheet
          onClose={onClose}
          onTour={
            session.place.step === "A"
              ? () => {
                  onTour();
                  onClose();
                }
              : undefined
          }
        />
      );
    case "guide":
      return session.task.guide ? <GuideSheet version={session.task.guide} onClose={onClose} /> : null;
    case "large":
      return <FullScreen session={session} trio={trio} onClose={onClose} />;
  }
}

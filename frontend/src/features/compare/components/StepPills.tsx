import { Button } from "react-aria-components";
import type { Place } from "../rules/grid";

/** Hidden if there is no space. */
const NEAREST = <span className="pill-word">nearest </span>;

/** Shows which of the two steps is active; A is a button that leads back. */
export function StepPills({ place, onBack }: { place: Place; onBack: () => void }) {
  const isA = place.step === "A";
  return (
    <ol className="steps" aria-label="Steps">
      <li aria-current={isA ? "step" : undefined}>
        {isA ? (
          <span className="pill on">A · {NEAREST}5°</span>
        ) : (
          <Button className="pill" aria-label="A · nearest 5°, back to this step" onPress={onBack}>
            A · {NEAREST}5°
          </Button>
        )}
      </li>
      <li aria-current={isA ? undefined : "step"}>
        <span className={isA ? "pill" : "pill on"}>B · {NEAREST}1°</span>
      </li>
    </ol>
  );
}

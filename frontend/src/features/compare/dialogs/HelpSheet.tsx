import { Switch } from "react-aria-components";
import { Icon, type IconName } from "@/components/Icon";
import { KeyList } from "@/components/KeyList";
import Sheet from "@/components/Sheet";
import { setPreferences, usePreferences } from "@/lib/preferences";

const KEYS: readonly (readonly [string, string])[] = [
  ["← → or A D", "move the galaxy"],
  ["1 … 9, 0", "jump to a place"],
  ["Enter", "confirm"],
  ["⌫", "back to step A"],
  ["X", "reject; then 1 … 9 choose the reason"],
  ["E", "add a remark"],
  ["U", "undo the last answer"],
  ["K", "skip this galaxy"],
  ["N  M", "other standard left, right"],
  ["⇧N", "other standards everywhere"],
  ["C", "next band"],
  ["G R I", "one band"],
  ["V", "invert"],
  ["+  −", "zoom"],
  ["[  ]", "rotate by 5°"],
  ["{  }", "rotate by 1°"],
  ["F", "flip"],
  ["Z", "reset the view"],
  ["L", "compare in full screen"],
  ["B", "field guide"],
  ["?", "this help"],
];

/** The buttons without text: on a touch screen their names can't be read by hovering. */
const BUTTONS: readonly (readonly [IconName, string])[] = [
  ["other", "another standard of the same tilt"],
  ["adjust", "change the display of one picture only"],
  ["invert", "dark on light, or light on dark"],
  ["flip", "flip left and right"],
  ["large", "compare in full screen"],
  ["note", "add a remark"],
  ["undo", "undo the last answer"],
  ["skip", "skip this galaxy"],
  ["book", "field guide: what to look at, when to reject"],
];

function Keys() {
  const { show_keys: showKeys } = usePreferences();
  return (
    <>
      <h3>Keys</h3>
      <KeyList keys={KEYS} />
      <Switch className="switch" isSelected={showKeys} onChange={(isOn) => setPreferences({ show_keys: isOn })}>
        <span className="switch-track" aria-hidden="true" />
        Show the keys on the buttons
      </Switch>
    </>
  );
}

function Fingers() {
  return (
    <>
      <h3>Touch</h3>
      <p>Swipe over the pictures to move your galaxy, pinch to zoom, and press and hold to compare in full screen. You can also drag the galaxy along the row, or tap where it belongs. Tap A at the top to return to the first step.</p>
    </>
  );
}

function Buttons() {
  return (
    <>
      <h3>Buttons</h3>
      <dl className="key-list button-list">
        {BUTTONS.map(([icon, words]) => (
          <div key={icon}>
            <dt>
              <Icon name={icon} />
            </dt>
            <dd>{words}</dd>
          </div>
        ))}
      </dl>
    </>
  );
}

/** The help of the comparison; on a touch screen gestures come before keys. */
export function HelpSheet({ onTour, onClose }: { onTour: (() => void) | undefined; onClose: () => void }) {
  const isTouch = window.matchMedia("(pointer: coarse)").matches;
  return (
    <Sheet title="How it works" className="help-sheet" onClose={onClose}>
      <div className="help-body">
        <p>
          Your galaxy is in the golden frame. Next to it, or below it on a phone, are two galaxies whose tilt is known: we see the left one more from above (face-on), the right one more from the side (edge-on). Move yours along the row until it fits between them, first roughly, then to the degree.
        </p>
        <p>Look at the outline of the disk rather than at the arms: the rounder it is, the more face-on. Another band often helps.</p>
        {onTour && (
          <p>
            <button type="button" className="button small" onClick={onTour}>
              Show me around this galaxy
            </button>
          </p>
        )}
        {isTouch ? (
          <>
            <Fingers />
            <Buttons />
            <Keys />
          </>
        ) : (
          <>
            <Keys />
            <Fingers />
          </>
        )}
      </div>
    </Sheet>
  );
}

import { Switch } from "react-aria-components";
import { Icon, type IconName } from "@/components/Icon";
import { KeyList } from "@/components/KeyList";
import Sheet from "@/components/Sheet";
import { setPreferences, usePreferences } from "@/lib/preferences";

const KEYS: readonly (readonly [string, string])[] = [
  ["← → or A D", "move the galaxy"],
  ["1 … 9, 0", "jump to a place"],
  ["Enter", "go on, or answer"],
  ["⌫", "back to step A"],
  ["X", "reject"],
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
  ["Z", "everything as at first"],
  ["L", "compare on the full screen"],
  ["?", "this help"],
];

/** The buttons that show a picture only: a finger can't hover over them to read their names. */
const BUTTONS: readonly (readonly [IconName, string])[] = [
  ["other", "another standard of the same tilt"],
  ["adjust", "change the display of one picture only"],
  ["invert", "dark on light, or light on dark"],
  ["flip", "flip left and right"],
  ["large", "compare on the full screen"],
  ["note", "add a remark"],
  ["undo", "take the last answer back"],
  ["skip", "skip this galaxy"],
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
      <h3>Fingers</h3>
      <p>Swipe over the pictures to move your galaxy, pinch to zoom, hold a finger still to compare on the full screen. In the row you can drag it, or tap where it belongs. Tap A at the top to go back to the first step.</p>
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

/** What a person can do here; on a touch screen the fingers come before the keys. */
export function HelpSheet({ onClose }: { onClose: () => void }) {
  const isTouch = window.matchMedia("(pointer: coarse)").matches;
  return (
    <Sheet title="How it works" className="help-sheet" onClose={onClose}>
      <div className="help-body">
        <p>
          Your galaxy stands in the golden frame. Beside it, or below it on a phone, are two galaxies whose tilt is known: the left one we see more from
          above (face-on), the right one more from the side (edge-on). Move yours along the row until both look right, first roughly, then to the degree.
        </p>
        <p>Look at the outline of the disk rather than at its arms: the rounder, the more face-on. A look in another band often helps.</p>
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

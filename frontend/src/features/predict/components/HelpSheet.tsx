import { KeyList } from "@/components/KeyList";
import Sheet from "@/components/Sheet";

const KEYS: readonly (readonly [string, string])[] = [
  ["Enter", "evaluate"],
  ["[  ]", "rotate by 5°"],
  ["{  }", "rotate by 1°"],
  ["+  −", "zoom"],
  ["← ↑ ↓ →", "move, while the picture has the focus"],
  ["⇧ and arrow", "move further"],
  ["V", "invert"],
  ["C", "next band"],
  ["G R I", "one band"],
  ["O", "show or hide the ellipse"],
  ["Z", "reset the view"],
  ["N", "another galaxy"],
  ["?", "this help"],
];

export default function HelpSheet({ onClose }: { onClose: () => void }) {
  return (
    <Sheet title="How it works" className="help-sheet" onClose={onClose}>
      <div className="help-body">
        <p>
          The network sees exactly what is in the frame. Centre the galaxy so that it fills about half of the width. Its orientation does not matter, but it should be complete and alone.
        </p>
        <p>
          The dashed ellipse is yours. The golden one shows the predicted tilt; its band is the error in two of three cases. Inverting also inverts what the network sees; it has learned both.
        </p>
        <h3>Mouse and touch</h3>
        <p>Drag to move the galaxy; zoom with the wheel or two fingers, rotate with two fingers. You can drop pictures anywhere on the page, or paste them.</p>
        <h3>Keys</h3>
        <KeyList keys={KEYS} />
      </div>
    </Sheet>
  );
}

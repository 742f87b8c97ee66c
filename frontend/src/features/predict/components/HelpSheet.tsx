import { KeyList } from "@/components/KeyList";
import Sheet from "@/components/Sheet";

const KEYS: readonly (readonly [string, string])[] = [
  ["Enter", "evaluate"],
  ["[  ]", "rotate by 5°"],
  ["{  }", "rotate by 1°"],
  ["+  −", "zoom"],
  ["← ↑ ↓ →", "move, while the picture is chosen"],
  ["⇧ and arrow", "move further"],
  ["V", "invert"],
  ["C", "next band"],
  ["G R I", "one band"],
  ["O", "show or hide the ellipse"],
  ["Z", "everything as at first"],
  ["N", "another galaxy"],
  ["?", "this help"],
];

export default function HelpSheet({ onClose }: { onClose: () => void }) {
  return (
    <Sheet title="How it works" className="help-sheet" onClose={onClose}>
      <div className="help-body">
        <p>
          The frame shows what the network is given, no more: lay the galaxy into its middle, so that it fills about half of the width. How it lies does not
          matter to the network; that it is whole and alone does.
        </p>
        <p>
          The dashed ellipse is yours. After the answer a golden one shows the tilt that the network sees, its band how far the answer may be off in two of
          three cases. Inverting turns the greys round for the network too; it has learned both.
        </p>
        <h3>Mouse and fingers</h3>
        <p>Drag the galaxy to its place; the wheel or two fingers zoom, two fingers turn. Pictures can be dropped anywhere on the page, or pasted.</p>
        <h3>Keys</h3>
        <KeyList keys={KEYS} />
      </div>
    </Sheet>
  );
}

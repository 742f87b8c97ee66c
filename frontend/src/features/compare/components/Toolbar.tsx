import { ToolButton, ToolToggle } from "@/components/ToolButton";
import type { Band } from "@/lib/api/types";
import type { Commands } from "../hooks/useCommands";
import type { Scope } from "../state/deck";

interface Props {
  commands: Commands;
  scope: Scope;
  showKeys: boolean;
  canUndo: boolean;
  remarkCount: number;
}

/** The letter of a band is its key. */
const BANDS: readonly { band: Band; label: string; text: string; key?: string }[] = [
  { band: "gri", label: "Colour", text: "colour", key: "C" },
  { band: "g", label: "Green band g", text: "g" },
  { band: "r", label: "Red band r", text: "r" },
  { band: "i", label: "Near-infrared band i", text: "i" },
];
const SCOPE_NAMES: Record<Exclude<Scope, "all">, string> = { target: "your galaxy", left: "the left one", right: "the right one" };

export function Toolbar({ commands, scope, showKeys, canUndo, remarkCount }: Props) {
  const key = (name?: string) => (showKeys ? name : undefined);
  const { view } = commands;
  return (
    <div className="toolbar" role="group" aria-label="Display of the pictures">
      <div className="toolbar-inner">
        {scope !== "all" && (
          <ToolButton className="scope" label={`The tools change only ${SCOPE_NAMES[scope]}. Change all again`} icon="close" onPress={() => commands.scope("all")}>
            only {SCOPE_NAMES[scope]}
          </ToolButton>
        )}
        <div className="segments bands" role="group" aria-label="Band">
          {BANDS.map(({ band, label, text, key: name }) => (
            <ToolToggle key={band} label={label} isOn={view.band === band} shortcut={key(name)} onPress={() => commands.band(band)}>
              {text}
            </ToolToggle>
          ))}
        </div>
        <ToolToggle label="Invert" icon="invert" isOn={view.invert} shortcut={key("V")} onPress={commands.invert} />
        <div className="segments" role="group" aria-label="Zoom">
          <ToolButton label="Zoom out" icon="minus" onPress={() => commands.zoom(-1)} />
          <output className="tool-value wide-only" aria-label="Zoom">
            {view.zoom.toFixed(1)}×
          </output>
          <ToolButton label="Zoom in" icon="plus" onPress={() => commands.zoom(1)} />
        </div>
        <div className="segments" role="group" aria-label="Rotate">
          <ToolButton label="Rotate left by 5°" icon="turnLeft" shortcut={key("[")} onPress={() => commands.turn(-5)}>5°</ToolButton>
          <ToolButton label="Rotate left by 1°" icon="turnLeft" className="fine" shortcut={key("{")} onPress={() => commands.turn(-1)}>1°</ToolButton>
          <ToolButton label="Rotate right by 1°" icon="turnRight" className="fine" shortcut={key("}")} onPress={() => commands.turn(1)}>1°</ToolButton>
          <ToolButton label="Rotate right by 5°" icon="turnRight" shortcut={key("]")} onPress={() => commands.turn(5)}>5°</ToolButton>
        </div>
        <ToolToggle label="Flip left and right" icon="flip" isOn={view.flip} shortcut={key("F")} onPress={commands.flip} />
        <ToolButton label="Reset the view" shortcut={key("Z")} onPress={commands.reset}>reset</ToolButton>
        <ToolButton label="Other standards for all" icon="other" shortcut={key("⇧N")} onPress={() => commands.redraw("all")}>all</ToolButton>
        <ToolButton label="Compare in full screen" icon="large" shortcut={key("L")} onPress={() => commands.open("large")} />
        <ToolButton
          label={remarkCount > 0 ? "Change the remark on this galaxy" : "Add a remark on this galaxy"}
          className={remarkCount > 0 ? "has-remark" : ""}
          icon="note"
          shortcut={key("E")}
          onPress={() => commands.open("remark")}
        >
          {remarkCount > 0 && "remark"}
        </ToolButton>
        <ToolButton label="Undo the last answer" icon="undo" shortcut={key("U")} isDisabled={!canUndo} onPress={commands.undo} />
        <ToolButton label="Skip this galaxy" icon="skip" shortcut={key("K")} onPress={commands.skip} />
        <ToolButton label="Field guide" icon="book" shortcut={key("B")} onPress={() => commands.open("guide")} />
        <ToolButton label="Help and all keys" icon="help" onPress={() => commands.open("help")} />
      </div>
    </div>
  );
}

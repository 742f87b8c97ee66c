import { ToolButton, ToolToggle } from "@/components/ToolButton";
import type { Band } from "@/lib/api/types";
import { BAND_NAMES } from "@/lib/pictures/choose";
import { usePreferences } from "@/lib/preferences";
import { type KeyCommand, MOVE_STEP } from "../hooks/keys";
import type { View } from "../rules/view";

interface Props {
  bands: readonly Band[];
  band: Band;
  view: View;
  hasOutline: boolean;
  onCommand: (command: KeyCommand) => void;
}

const BAND_LABELS: Record<Band, string> = { gri: "Colour", g: "Green band g", r: "Red band r", i: "Near-infrared band i" };
const ORDER: readonly Band[] = ["gri", "g", "r", "i"];

export function PreviewTools({ bands, band, view, hasOutline, onCommand }: Props) {
  const { show_keys: showKeys } = usePreferences();
  const key = (name: string) => (showKeys ? name : undefined);
  const move = (x: number, y: number) => () => onCommand({ do: "move", x: x * 2 * MOVE_STEP, y: y * 2 * MOVE_STEP });
  const turn = (byDeg: number) => () => onCommand({ do: "turn", byDeg });
  return (
    <div className="preview-tools" role="group" aria-label="Display of the galaxy">
      <div className="toolbar-inner">
        {bands.length > 1 && (
          <div className="segments bands" role="group" aria-label="Band">
            {ORDER.filter((one) => bands.includes(one)).map((one) => (
              <ToolToggle key={one} label={BAND_LABELS[one]} isOn={one === band} onPress={() => onCommand({ do: "band", band: one })}>
                {BAND_NAMES[one]}
              </ToolToggle>
            ))}
          </div>
        )}
        <ToolToggle label="Invert" icon="invert" isOn={view.isInverted} shortcut={key("V")} onPress={() => onCommand({ do: "invert" })} />
        <div className="segments" role="group" aria-label="Zoom">
          <ToolButton label="Zoom out" icon="minus" onPress={() => onCommand({ do: "zoom", steps: -1 })} />
          <output className="tool-value" aria-label="Zoom">
            {view.zoom.toFixed(1)}×
          </output>
          <ToolButton label="Zoom in" icon="plus" onPress={() => onCommand({ do: "zoom", steps: 1 })} />
        </div>
        <div className="segments" role="group" aria-label="Rotate">
          <ToolButton label="Rotate left by 5°" icon="turnLeft" shortcut={key("[")} onPress={turn(-5)}>5°</ToolButton>
          <ToolButton label="Rotate left by 1°" shortcut={key("{")} onPress={turn(-1)}>1°</ToolButton>
          <ToolButton label="Rotate right by 1°" shortcut={key("}")} onPress={turn(1)}>1°</ToolButton>
          <ToolButton label="Rotate right by 5°" icon="turnRight" shortcut={key("]")} onPress={turn(5)}>5°</ToolButton>
        </div>
        <div className="segments" role="group" aria-label="Move">
          <ToolButton label="Move left" icon="left" onPress={move(-1, 0)} />
          <ToolButton label="Move up" icon="up" onPress={move(0, -1)} />
          <ToolButton label="Move down" icon="down" onPress={move(0, 1)} />
          <ToolButton label="Move right" icon="right" onPress={move(1, 0)} />
        </div>
        <ToolToggle label="Show the ellipse" icon="outline" isOn={hasOutline} shortcut={key("O")} onPress={() => onCommand({ do: "outline" })} />
        <ToolButton label="Reset the view" shortcut={key("Z")} onPress={() => onCommand({ do: "reset" })}>reset</ToolButton>
        <ToolButton label="Help and all keys" icon="help" onPress={() => onCommand({ do: "help" })} />
      </div>
    </div>
  );
}

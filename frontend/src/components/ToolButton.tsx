import "./tools.css";
import type { ReactNode } from "react";
import { Button, ToggleButton } from "react-aria-components";
import { Icon, type IconName } from "./Icon";

interface ToolProps {
  /** The full name, for screen readers and the tooltip; it contains the visible text, for voice control. */
  label: string;
  icon?: IconName | undefined;
  children?: ReactNode;
  /** The equivalent key, shown on wide screens. */
  shortcut?: string | undefined;
  className?: string;
  onPress: () => void;
  isDisabled?: boolean;
}

function Inside({ label, icon, children, shortcut }: Pick<ToolProps, "label" | "icon" | "children" | "shortcut">) {
  return (
    <span className="tool-inside" title={label} data-key={shortcut}>
      {icon && <Icon name={icon} />}
      {children}
    </span>
  );
}

export function ToolButton({ label, className = "", onPress, isDisabled = false, ...inside }: ToolProps) {
  return (
    <Button className={`tool ${className}`} aria-label={label} onPress={onPress} isDisabled={isDisabled}>
      <Inside label={label} {...inside} />
    </Button>
  );
}

export function ToolToggle({ label, className = "", onPress, isDisabled = false, isOn, ...inside }: ToolProps & { isOn: boolean }) {
  return (
    <ToggleButton className={`tool ${className}`} aria-label={label} isSelected={isOn} onChange={onPress} isDisabled={isDisabled}>
      <Inside label={label} {...inside} />
    </ToggleButton>
  );
}

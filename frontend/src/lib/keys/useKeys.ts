import { useEffect, useLayoutEffect, useRef } from "react";
import type { KeyPress } from "./press";

/** Whether the focused element handles Enter or Backspace itself. */
function ownsKey(element: Element | null, key: string, cameByPointer: Element | null): boolean {
  if (!(element instanceof HTMLElement)) return false;
  if (element.closest("input, textarea, select, [contenteditable], [role=dialog]")) return true;
  // A button that was merely clicked does not handle Enter: the next Enter triggers the main button.
  return (key === "Enter" || key === " ") && element !== cameByPointer && element.closest("button, a[href]") !== null;
}

/** Keyboard commands for the whole page, except while a dialog is open or a field has the focus. */
export function useKeys<Command>(isActive: boolean, commandOf: (press: KeyPress) => Command | null, run: (command: Command) => void): void {
  const latest = useRef({ isActive, commandOf, run });
  // A layout effect, because a key pressed immediately after a change must see the new state.
  useLayoutEffect(() => {
    latest.current = { isActive, commandOf, run };
  });

  useEffect(() => {
    let isPointing = false;
    let cameByPointer: Element | null = null;
    const onPointerDown = () => {
      isPointing = true;
      setTimeout(() => {
        isPointing = false;
      }, 400);
    };
    const onFocusIn = (event: FocusEvent) => {
      cameByPointer = isPointing && event.target instanceof Element ? event.target : null;
    };
    const onKeyDown = (event: KeyboardEvent) => {
      if (!latest.current.isActive || event.defaultPrevented || event.isComposing || ownsKey(document.activeElement, event.key, cameByPointer)) return;
      const command = latest.current.commandOf(event);
      if (!command) return;
      event.preventDefault();
      event.stopPropagation();
      latest.current.run(command);
    };
    // In the capture phase, before a merely clicked button could handle Enter.
    window.addEventListener("keydown", onKeyDown, true);
    window.addEventListener("pointerdown", onPointerDown, true);
    window.addEventListener("focusin", onFocusIn, true);
    return () => {
      window.removeEventListener("keydown", onKeyDown, true);
      window.removeEventListener("pointerdown", onPointerDown, true);
      window.removeEventListener("focusin", onFocusIn, true);
    };
  }, []);
}

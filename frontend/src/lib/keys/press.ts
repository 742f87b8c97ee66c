/** A key press, without those that belong to the browser. */

export interface KeyPress {
  key: string;
  shiftKey: boolean;
  ctrlKey: boolean;
  altKey: boolean;
  metaKey: boolean;
  repeat: boolean;
}

/** The key's name in lower case; null if Ctrl, Alt or Meta make it a command of the browser or the system. */
export function plainKey(press: KeyPress): string | null {
  const isBracket = "[]{}".includes(press.key);
  // AltGr types brackets on many keyboards and reports itself as Ctrl + Alt.
  if (press.metaKey || ((press.ctrlKey || press.altKey) && !(isBracket && press.ctrlKey === press.altKey))) return null;
  return press.key.toLowerCase();
}

import { useCallback, useEffect, useState } from "react";

/** The notice line: shows for a moment what has just happened. */
export interface Notice {
  text: string;
  canUndo: boolean;
  /** Shown for longer. */
  isLong: boolean;
}

const SHORT_MS = 2500;
const LONG_MS = 9000;

export function useNotice() {
  const [notice, setNotice] = useState<Notice | null>(null);
  useEffect(() => {
    if (!notice) return undefined;
    const timer = setTimeout(() => setNotice(null), notice.isLong ? LONG_MS : SHORT_MS);
    return () => clearTimeout(timer);
  }, [notice]);
  const say = useCallback((text: string, more: Partial<Notice> = {}) => setNotice({ text, canUndo: false, isLong: false, ...more }), []);
  return { notice, say };
}

import { type ReactNode, useEffect, useSyncExternalStore } from "react";
import type { Part } from "@/lib/parts";

interface Props<PartProps> {
  part: Part<PartProps>;
  props: PartProps;
  waiting: ReactNode;
  /** Shown if the part could not be loaded; `retry` loads it again. */
  failed: (retry: () => void) => ReactNode;
}

/** A part of the page in a file of its own. A failure affects only this part, and it is loaded again when the browser is back online. */
export function LazyPart<PartProps extends object>({ part, props, waiting, failed }: Props<PartProps>) {
  const state = useSyncExternalStore(part.watch, part.now);
  useEffect(() => {
    const load = () => void part.load();
    load();
    window.addEventListener("online", load);
    return () => window.removeEventListener("online", load);
  }, [part]);
  if (state.kind === "ready") return <state.Component {...props} />;
  return state.kind === "failed" ? failed(() => void part.load()) : waiting;
}

import { useEffect } from "react";

/** Sets the title of the tab. */
export function useTitle(title: string | undefined): void {
  useEffect(() => {
    document.title = title ? `${title} · GIZ` : "GIZ";
  }, [title]);
}

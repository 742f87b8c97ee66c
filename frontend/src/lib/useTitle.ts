import { useEffect } from "react";

/** The tab's title. */
export function useTitle(title: string | undefined): void {
  useEffect(() => {
    document.title = title ? `${title} · GIZ` : "GIZ";
  }, [title]);
}

import { useCallback, useEffect, useState } from "react";
import { renameAddress } from "@/lib/router";
import { addressOf, requestOfAddress, type SourceRequest } from "../rules/request";
import { FIRST_VIEW, type View, viewToQuery } from "../rules/view";

const SETTLED_MS = 300;

/** How the galaxy is shown; the address follows, so that loading the page again, or a link to it, shows the same. */
export function useView(request: SourceRequest, first: View) {
  const [view, setView] = useState<View>(first);
  useEffect(() => {
    const timer = setTimeout(() => {
      // Another galaxy, or another page, that is still loading has the address already.
      const now = requestOfAddress(window.location.pathname, new URLSearchParams(window.location.search));
      if (addressOf(now) === addressOf(request)) renameAddress(addressOf(request, viewToQuery(view)));
    }, SETTLED_MS);
    return () => clearTimeout(timer);
  }, [request, view]);
  return { view, change: setView, reset: useCallback(() => setView(FIRST_VIEW), []) };
}

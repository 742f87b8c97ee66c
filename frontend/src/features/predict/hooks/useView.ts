import { useCallback, useEffect, useState } from "react";
import { renameAddress } from "@/lib/router";
import { addressOf, requestOfAddress, type SourceRequest } from "../rules/request";
import { FIRST_VIEW, type View, viewToQuery } from "../rules/view";

const SETTLED_MS = 300;

/** The view of the galaxy. It is kept in the address, so that reloading or sharing the link shows the same view. */
export function useView(request: SourceRequest, first: View) {
  const [view, setView] = useState<View>(first);
  useEffect(() => {
    const timer = setTimeout(() => {
      // The address already belongs to another galaxy or page that is still loading.
      const now = requestOfAddress(window.location.pathname, new URLSearchParams(window.location.search));
      if (addressOf(now) === addressOf(request)) renameAddress(addressOf(request, viewToQuery(view)));
    }, SETTLED_MS);
    return () => clearTimeout(timer);
  }, [request, view]);
  return { view, change: setView, reset: useCallback(() => setView(FIRST_VIEW), []) };
}

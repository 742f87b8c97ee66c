import { useEffect, useState, useSyncExternalStore } from "react";
import { navigate, renameAddress, usePath, useQueryString } from "@/lib/router";
import { loadSource } from "../api/loadSource";
import { addressOf, requestOfAddress } from "../rules/request";
import { type View, viewFromQuery, viewToQuery } from "../rules/view";
import { Desk, type DeskState } from "../state/desk";

export interface SourceLoading extends DeskState {
  upload: (files: readonly File[]) => void;
  retry: () => void;
  renew: (view: View) => void;
  giveUp: () => void;
}

/** Loads the galaxy named by the address; an uploaded picture gets an address once the server has it. */
export function useSource(): SourceLoading {
  const path = usePath();
  const query = useQueryString();
  const [desk] = useState(() => new Desk(loadSource, (request) => navigate(addressOf(request))));
  const state = useSyncExternalStore(desk.watch, desk.now);

  const request = requestOfAddress(path, new URLSearchParams(query));
  const wanted = request && addressOf(request);
  useEffect(() => {
    const now = new URLSearchParams(window.location.search);
    desk.want(requestOfAddress(window.location.pathname, now), viewFromQuery(now));
  }, [wanted, desk]);
  useEffect(() => () => desk.giveUp(), [desk]);

  return {
    ...state,
    upload: (files) => desk.upload(files),
    retry: () => desk.retry(),
    renew: (view) => desk.renew(view),
    giveUp: () => {
      const { current } = state;
      desk.giveUp();
      if (current) renameAddress(addressOf(current.request, viewToQuery(current.firstView)));
      else navigate(addressOf(null));
    },
  };
}

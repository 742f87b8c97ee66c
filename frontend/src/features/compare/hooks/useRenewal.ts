import { useEffect, useRef } from "react";
import { renewPage, useIsOutdated } from "@/lib/freshness";
import { useOutbox } from "@/lib/outbox";
import { isUntouched, type Session } from "../state/session";

/** After an update of the site: reloads the page between two galaxies, once all votes have been sent; never during a comparison. */
export function useRenewal(current: Session | null, isBusy: boolean): void {
  const isOutdated = useIsOutdated();
  const { waiting } = useOutbox();
  const taskId = current?.task.id ?? null;
  const noticedAt = useRef<string | null | undefined>(undefined);
  const isFresh = current === null || isUntouched(current);
  useEffect(() => {
    if (!isOutdated) return;
    if (noticedAt.current === undefined) noticedAt.current = taskId;
    if (taskId !== noticedAt.current && isFresh && !isBusy && waiting === 0) renewPage();
  }, [isOutdated, taskId, isFresh, isBusy, waiting]);
}

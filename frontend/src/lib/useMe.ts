import { useQuery } from "@tanstack/react-query";
import { ApiError, UNREACHABLE } from "./api/client";
import { getMe } from "./api/calls";
import type { Me } from "./api/types";
import { keepMe, keptMe } from "./keptMe";
import { queryKeys } from "./queryKeys";

async function askWhoIsHere(): Promise<Me> {
  const me = await getMe();
  keepMe(me);
  return me;
}

/**
 * The current user; requested again when the page becomes visible, because another tab may have logged in somebody else.
 * While the server can't be reached, who was here last: every request that changes something says whose it is.
 */
export function useMe(): { data: Me | undefined; error: Error | null } {
  const { data, error, failureReason } = useQuery({ queryKey: queryKeys.me, queryFn: askWhoIsHere, staleTime: 60_000, refetchOnWindowFocus: "always" });
  const isUnreached = failureReason instanceof ApiError && failureReason.code === UNREACHABLE;
  return { data: data ?? (isUnreached ? keptMe() : undefined), error };
}

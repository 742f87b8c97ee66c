import { type Query, useQuery } from "@tanstack/react-query";
import { getMyCampaign } from "./api/calls";
import type { MyCampaign } from "./api/types";
import { queryKeys } from "./queryKeys";

type Found = MyCampaign["campaign"];

interface Options {
  isWanted?: boolean;
  /** How often to check again, depending on whether there is one. */
  everyMs?: (isFound: boolean) => number;
}

/** The campaign that has a galaxy for this user now; null if there is none. */
export function useMyCampaign({ isWanted = true, everyMs }: Options = {}) {
  return useQuery<Found>({
    queryKey: queryKeys.myCampaign,
    queryFn: getMyCampaign,
    staleTime: 0,
    enabled: isWanted,
    ...(everyMs && { refetchInterval: ({ state }: Query<Found>) => everyMs(Boolean(state.data)) }),
  });
}

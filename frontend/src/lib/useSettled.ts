import { useQuery } from "@tanstack/react-query";
import { getSettled } from "./api/calls";
import { queryKeys } from "./queryKeys";

/** Own galaxies that were settled since they were last shown; requested once a visit, and again after an hour. */
export const useSettled = (isSignedIn: boolean) =>
  useQuery({ queryKey: queryKeys.settled, queryFn: getSettled, enabled: isSignedIn, staleTime: 3_600_000, retry: false });

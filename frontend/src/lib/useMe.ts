import { useQuery } from "@tanstack/react-query";
import { getMe } from "./api/calls";
import { queryKeys } from "./queryKeys";

/** The current user; requested again when the page becomes visible, because another tab may have logged in somebody else. */
export const useMe = () => useQuery({ queryKey: queryKeys.me, queryFn: getMe, staleTime: 60_000, refetchOnWindowFocus: "always" });

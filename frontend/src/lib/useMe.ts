import { useQuery } from "@tanstack/react-query";
import { getMe } from "./api/getMe";
import { queryKeys } from "./queryKeys";

export const useMe = () => useQuery({ queryKey: queryKeys.me, queryFn: getMe, staleTime: 60_000 });

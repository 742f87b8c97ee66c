import { useQuery } from "@tanstack/react-query";
import { Link } from "@/components/Link";
import { queryKeys } from "@/lib/queryKeys";
import { PRACTICE_ADDRESS } from "@/lib/router";
import { getPractice } from "./api";
import { practiceWords } from "./words";

/** What the person practised, and the way to more of it. */
export function Practised() {
  const practice = useQuery({ queryKey: queryKeys.practice, queryFn: getPractice }).data;
  if (!practice) return null;
  return (
    <p className="practised" data-testid="practised">
      {practiceWords(practice)} <Link to={PRACTICE_ADDRESS}>Practise</Link>
    </p>
  );
}

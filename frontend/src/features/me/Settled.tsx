import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { patchPreferences } from "@/lib/api/calls";
import type { NewlySettled } from "@/lib/api/types";
import { queryKeys } from "@/lib/queryKeys";
import { useSettled } from "@/lib/useSettled";
import { answerOf, outcomeOf } from "./words";

/** What became of own galaxies since the last visit; shown here it counts as seen. */
export function Settled() {
  const queryClient = useQueryClient();
  const found = useSettled(true).data;
  const [news, setNews] = useState<NewlySettled | null>(null);
  if (news === null && found && found.count > 0) setNews(found);
  useEffect(() => {
    if (news === null) return;
    const isSeen = () => queryClient.setQueryData(queryKeys.settled, { as_of: news.as_of, count: 0, results: [] });
    // If it fails, the same galaxies are shown again next time.
    patchPreferences({ settled_seen: news.as_of }).then(isSeen, () => undefined);
  }, [news, queryClient]);
  if (news === null) return null;
  const more = news.count - news.results.length;
  return (
    <section className="settled" aria-labelledby="settled-title" data-testid="settled">
      <h2 id="settled-title">{news.count === 1 ? "One of your galaxies is settled" : `${news.count} of your galaxies are settled`}</h2>
      <ul>
        {news.results.map((vote) => (
          <li key={vote.key}>
            {vote.thumbnail && <img src={vote.thumbnail} alt="" width={48} height={48} />}
            <span>
              <strong>{vote.label}</strong> you {answerOf(vote)}{vote.outcome && `, all ${outcomeOf(vote.outcome)}`}
            </span>
          </li>
        ))}
      </ul>
      <p>
        {more > 0 && `${more} more ${more === 1 ? "is" : "are"} marked below. `}
        “All” is the result of everybody who judged the galaxy, you included.
      </p>
    </section>
  );
}

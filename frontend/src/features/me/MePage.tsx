import "./me.css";
import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { Footer } from "@/components/Footer";
import { Header } from "@/components/Header";
import { Link } from "@/components/Link";
import type { Me } from "@/lib/api/types";
import { undoVote } from "@/lib/api/calls";
import { inWords, inWordsOnce } from "@/lib/errorWords";
import { queryKeys } from "@/lib/queryKeys";
import { labelAddress, loginAddress } from "@/lib/router";
import { useMe } from "@/lib/useMe";
import { useMyCampaign } from "@/lib/useMyCampaign";
import { useTitle } from "@/lib/useTitle";
import { getOwnVotes, PAGE_LENGTH, votesOf } from "./api";
import { MyEye } from "./MyEye";
import { Practised } from "./Practised";
import { Settled } from "./Settled";
import { Unsent } from "./Unsent";
import { VoteCard } from "./VoteCard";

function inSentence({ votes, rejected }: Me["counts"]): string {
  if (votes === 0) return "You have not judged a galaxy yet.";
  const judged = votes === 1 ? "You have judged one galaxy" : `You have judged ${votes} galaxies`;
  return rejected === 0 ? `${judged}.` : `${judged}; ${rejected === 1 ? "one" : rejected} of them rejected or called face-on.`;
}

function Wall() {
  const queryClient = useQueryClient();
  const votes = useInfiniteQuery({
    queryKey: queryKeys.ownVotes,
    queryFn: ({ pageParam }) => getOwnVotes(pageParam),
    initialPageParam: 0,
    getNextPageParam: (last, pages) => (last.next ? pages.length * PAGE_LENGTH : undefined),
    staleTime: 0,
  });
  const undo = useMutation({ mutationFn: undoVote, onSettled: () => queryClient.invalidateQueries({ queryKey: queryKeys.me }) });
  const rows = votesOf(votes.data?.pages ?? []);
  return (
    <section aria-label="My galaxies">
      {votes.error && <p role="alert">{inWords(votes.error)}</p>}
      {undo.error && <p role="alert">{inWordsOnce(undo.error)}</p>}
      <ul className="vote-wall" data-testid="own-votes">
        {rows.map((vote) => (
          <VoteCard key={vote.key} vote={vote} isBusy={undo.isPending} onUndo={() => undo.mutate(vote.key)} />
        ))}
      </ul>
      {votes.hasNextPage && (
        <p className="more">
          <button type="button" className="button" disabled={votes.isFetchingNextPage} onClick={() => void votes.fetchNextPage()}>
            Show more
          </button>
        </p>
      )}
    </section>
  );
}

function Mine({ me }: { me: Me }) {
  const open = useMyCampaign().data;
  return (
    <main className="me">
      <div className="me-head">
        <div>
          <h1>My galaxies</h1>
          <p>
            {inSentence(me.counts)} Others see you as <strong>{me.volunteer}</strong>.
          </p>
        </div>
        <p className="actions">
          {open && (
            <Link to={labelAddress(open.name)} className="button primary">
              Judge a galaxy
            </Link>
          )}
          <a className="button" href="/accounts/password/change/">
            Account
          </a>
          <a className="button" href="/accounts/data/">
            My data
          </a>
          <a className="button" href="/accounts/logout/">
            Log out
          </a>
        </p>
      </div>
      <Unsent />
      <Settled />
      <Practised />
      {me.counts.votes > 0 && (
        <>
          <MyEye />
          <Wall />
        </>
      )}
    </main>
  );
}

export default function MePage() {
  useTitle("My galaxies");
  const me = useMe();
  return (
    <>
      <Header />
      {me.data?.volunteer ? (
        <Mine me={me.data} />
      ) : (
        <main className="message">
          {me.data && (
            <>
              <h1>Your galaxies are kept with your account</h1>
              <p>Log in to see what you have judged.</p>
              <p className="actions">
                <a className="button primary" href={loginAddress("/me")}>
                  Log in
                </a>
              </p>
            </>
          )}
          {me.error && <p role="alert">{inWords(me.error)}</p>}
        </main>
      )}
      <Footer isStaff={me.data?.role === "staff"} />
    </>
  );
}

import { Link } from "@/components/Link";
import type { MyCampaign } from "@/lib/api/types";
import { inWords } from "@/lib/errorWords";
import { DAILY_ADDRESS, labelAddress, loginAddress, PRACTICE_ADDRESS } from "@/lib/router";

interface Props {
  /** Undefined while unknown, null if no campaign is open. */
  campaign: MyCampaign["campaign"] | undefined;
  isSignedIn: boolean;
  problem: Error | null;
  /** A campaign whose galaxies are saved on this device. */
  saved: string | undefined;
}

const PROMISE = "Five practice galaxies, no account needed. ";

/** The button that leads to a galaxy, or to practice for visitors without an account. */
export function Begin({ campaign, isSignedIn, problem, saved }: Props) {
  if (problem) {
    return (
      <>
        <p role="alert">{inWords(problem)}</p>
        {saved && (
          <p className="actions">
            <Link to={labelAddress(saved)} className="button primary">
              Judge a saved galaxy
            </Link>
          </p>
        )}
      </>
    );
  }
  if (campaign === null) return <p>No galaxy is ready to be judged at the moment. This page will show the next one automatically.</p>;
  if (campaign === undefined) return <BeginPlace />;
  const there = labelAddress(campaign.name);
  if (isSignedIn) {
    return (
      <p className="actions">
        <Link to={there} className="button primary">
          Judge a galaxy
        </Link>
        <Link to="/me" className="button">
          My galaxies
        </Link>
        <Link to={DAILY_ADDRESS} className="button">
          Today’s five
        </Link>
      </p>
    );
  }
  return (
    <>
      <p className="actions">
        <Link to={PRACTICE_ADDRESS} className="button primary">
          Try one now
        </Link>
        <a href={loginAddress(there)} className="button">
          Log in
        </a>
      </p>
      <p className="small-print">
        {PROMISE}
        <Link to={DAILY_ADDRESS}>Today’s five</Link>
      </p>
    </>
  );
}

/** Reserves the space of the buttons until it is known which to show, so that the content below does not move. */
function BeginPlace() {
  return (
    <div className="place-held" aria-hidden="true">
      <p className="actions">
        <span className="button primary">Try one now</span>
        <span className="button">Log in</span>
      </p>
      <p className="small-print">{PROMISE}Today’s five</p>
    </div>
  );
}

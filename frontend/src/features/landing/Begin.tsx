import { Link } from "@/components/Link";
import type { Campaign } from "@/lib/api/types";
import { inWords } from "@/lib/errorWords";
import { labelAddress, loginAddress, signupAddress } from "@/lib/router";

interface Props {
  /** Undefined while unknown, null where no campaign is open. */
  campaign: Campaign | null | undefined;
  isSignedIn: boolean;
  problem: Error | null;
}

const PROMISE = "It takes an e-mail address and a minute. Others only ever see a number.";

/** The way in: one button to a galaxy, by way of an account where there is none. */
export function Begin({ campaign, isSignedIn, problem }: Props) {
  if (problem) return <p role="alert">{inWords(problem)}</p>;
  if (campaign === null) return <p>No galaxy is ready to be judged just now. The next one appears here by itself.</p>;
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
      </p>
    );
  }
  return (
    <>
      <p className="actions">
        <a href={signupAddress(there)} className="button primary">
          Try one now
        </a>
        <a href={loginAddress(there)} className="button">
          Log in
        </a>
      </p>
      <p className="small-print">{PROMISE}</p>
    </>
  );
}

/** Holds the place of the buttons until it is known which to show, so that nothing below them jumps. */
function BeginPlace() {
  return (
    <div className="place-held" aria-hidden="true">
      <p className="actions">
        <span className="button primary">Try one now</span>
        <span className="button">Log in</span>
      </p>
      <p className="small-print">{PROMISE}</p>
    </div>
  );
}

import type { ReactNode } from "react";
import { useOutbox } from "@/lib/outbox";
import { loginAddress, PREDICT_ADDRESS, usePath } from "@/lib/router";
import { useMe } from "@/lib/useMe";
import { Link } from "./Link";

export function Brand() {
  return (
    <Link to="/" className="brand" aria-label="GIZ, to the first page">
      <svg viewBox="0 0 64 64" width="28" height="28" aria-hidden="true" focusable="false">
        <g transform="rotate(-24 32 32)" fill="none" stroke="currentColor" strokeLinecap="round">
          <ellipse cx="32" cy="32" rx="27" ry="12" strokeWidth="4" />
          <circle cx="32" cy="32" r="5.5" fill="currentColor" stroke="none" />
        </g>
      </svg>
      <span>GIZ</span>
    </Link>
  );
}

/** Who I am, what I did, and what is still on its way to the server. */
function Standing() {
  const me = useMe().data;
  const path = usePath();
  const { waiting, needsLogin, refused } = useOutbox();
  const ask = (
    <Link to={PREDICT_ADDRESS} className="quiet-link wide-only">
      Ask the network
    </Link>
  );
  if (!me) return <div className="standing">{ask}</div>;
  if (me.volunteer === null) {
    return (
      <div className="standing">
        {ask}
        <a className="quiet-link" href={loginAddress(path)}>
          {needsLogin ? "Please log in again; your vote is kept" : "Log in"}
        </a>
      </div>
    );
  }
  const done = `${me.counts.votes} ${me.counts.votes === 1 ? "galaxy" : "galaxies"}`;
  return (
    <div className="standing">
      {ask}
      <span role="status">
        {needsLogin && (
          <a className="chip warn" href={loginAddress(path)}>
            Log in again<span className="wide-only">; your vote is kept</span>
          </a>
        )}
        {waiting > 0 && (
          <span className="chip">
            {waiting} waiting<span className="wide-only"> to be sent</span>
          </span>
        )}
      </span>
      {refused.length > 0 && (
        <Link to="/me" className="chip warn">
          {refused.length} not accepted
        </Link>
      )}
      <Link to="/me" className="quiet-link" aria-label={`Me: ${me.volunteer} · ${done}`}>
        <span className="wide-only">
          {me.volunteer} · {done}
        </span>
        <span className="narrow-only">Me</span>
      </Link>
    </div>
  );
}

export function Header({ children }: { children?: ReactNode }) {
  return (
    <header className="site-header">
      <Brand />
      <div className="header-middle">{children}</div>
      <Standing />
    </header>
  );
}

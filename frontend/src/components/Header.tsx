import { type ReactNode, useSyncExternalStore } from "react";
import { useOutbox } from "@/lib/outbox";
import { loginAddress, PREDICT_ADDRESS, usePath } from "@/lib/router";
import { useMe } from "@/lib/useMe";
import { useSettled } from "@/lib/useSettled";
import { Link } from "./Link";

export function Brand() {
  return (
    <Link to="/" className="brand" aria-label="GIZ home page">
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

function useIsOffline(): boolean {
  return useSyncExternalStore(
    (notify) => {
      window.addEventListener("online", notify);
      window.addEventListener("offline", notify);
      return () => {
        window.removeEventListener("online", notify);
        window.removeEventListener("offline", notify);
      };
    },
    () => !navigator.onLine,
  );
}

/** Who is logged in, their number of votes, and the votes not yet sent. */
function Standing() {
  const me = useMe().data;
  const path = usePath();
  const { waiting, needsLogin, refused, atRisk } = useOutbox();
  const isOffline = useIsOffline();
  const settled = useSettled(Boolean(me?.volunteer)).data?.count ?? 0;
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
          {needsLogin ? "Please log in again; your vote is saved" : "Log in"}
        </a>
      </div>
    );
  }
  const done = `${me.counts.votes} ${me.counts.votes === 1 ? "galaxy" : "galaxies"}`;
  return (
    <div className="standing">
      {/* Offline its page would not load, and the status needs the space. */}
      {!isOffline && ask}
      <span className="chips" role="status">
        {needsLogin && (
          <a className="chip warn" href={loginAddress(path)}>
            Log in again<span className="wide-only">; your vote is saved</span>
          </a>
        )}
        {isOffline && (
          <span className="chip offline">
            <span className="wide-only">You are offline</span>
            <span className="narrow-only">Offline</span>
          </span>
        )}
        {waiting > 0 && (
          <span className="chip">
            {waiting} waiting<span className="wide-only"> to be sent{atRisk > 0 && "; please keep this page open"}</span>
          </span>
        )}
      </span>
      {refused.length > 0 && (
        <Link to="/me" className="chip warn">
          {refused.length} not accepted
        </Link>
      )}
      {settled > 0 && (
        <Link to="/me" className="chip settled-chip">
          {settled}
          <span className="wide-only"> of your galaxies</span> settled
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

export function Header({ beside, children }: { beside?: ReactNode; children?: ReactNode }) {
  return (
    <header className="site-header">
      <div className="header-left">
        <Brand />
        {beside}
      </div>
      <div className="header-middle">{children}</div>
      <Standing />
    </header>
  );
}

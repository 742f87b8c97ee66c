import { useEffect } from "react";
import { Header } from "@/components/Header";
import { renewPage, useIsOutdated } from "@/lib/freshness";
import { useTitle } from "@/lib/useTitle";

/** Shown in place of a page whose file could not be loaded. After an update of the site the page is reloaded from the new build. */
export function FailedPage({ onRetry }: { onRetry: () => void }) {
  const isOutdated = useIsOutdated();
  useTitle("This page could not be loaded");
  useEffect(() => {
    if (isOutdated) renewPage();
  }, [isOutdated]);
  return (
    <>
      <Header />
      <main className="message">
        <h1>This page could not be loaded</h1>
        <p role="alert">{isOutdated ? "This site has just been updated, so you need to reload the page." : "The connection may have dropped. Your votes are saved and will be sent."}</p>
        <p className="actions">
          <button className="button" type="button" onClick={() => window.history.back()}>
            Back
          </button>
          <button className="button primary" type="button" onClick={isOutdated ? () => window.location.reload() : onRetry}>
            {isOutdated ? "Reload the page" : "Try again"}
          </button>
        </p>
      </main>
    </>
  );
}

import "./sheet.css";
import { type ReactNode, useEffect, useRef } from "react";
import { useIsOutdated } from "@/lib/freshness";
import { Icon } from "./Icon";

/** A sheet made with the browser's own dialog, for messages when our sheets could not be loaded. */
function PlainSheet({ title, onClose, children }: { title: string; onClose: () => void; children: ReactNode }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} className="plain-sheet" aria-labelledby="plain-sheet-title" onClose={onClose}>
      <header className="sheet-header">
        <h2 id="plain-sheet-title">{title}</h2>
      </header>
      {children}
      <button type="button" className="tool bare sheet-close" aria-label="Close" onClick={onClose}>
        <Icon name="close" />
      </button>
    </dialog>
  );
}

/** Shown in place of a sheet that could not be loaded; the page below is unchanged. */
export function FailedSheet({ onRetry, onClose }: { onRetry: () => void; onClose: () => void }) {
  const isOutdated = useIsOutdated();
  return (
    <PlainSheet title="This could not be loaded" onClose={onClose}>
      <p className="sheet-intro" role="alert">
        {isOutdated
          ? "This site has just been updated. Reload the page to continue; the galaxy that you are judging stays as it is."
          : "The connection may have dropped. The galaxy that you are judging stays as it is."}
      </p>
      <div className="sheet-actions">
        <button type="button" className="button quiet" onClick={onClose}>
          Back
        </button>
        <button type="button" className="button primary" onClick={isOutdated ? () => window.location.reload() : onRetry}>
          {isOutdated ? "Reload the page" : "Try again"}
        </button>
      </div>
    </PlainSheet>
  );
}

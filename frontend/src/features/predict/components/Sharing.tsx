import { useId, useState } from "react";
import { Icon } from "@/components/Icon";
import { bodyOf } from "../api/evaluateSource";
import type { Source } from "../api/types";
import { addressOf, bodyOfRequest, type SourceRequest } from "../rules/request";
import { type View, viewToQuery } from "../rules/view";
import { expiryWords } from "../rules/words";

function Copyable({ label, text }: { label: string; text: string }) {
  const [said, setSaid] = useState("");
  const id = useId();
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setSaid("Copied");
    } catch {
      // Over plain http, or if the browser asks for permission first, the text can still be copied manually.
      document.getElementById(id)?.focus();
      setSaid("Press Ctrl or ⌘ and C");
    }
  };
  return (
    <div className="copyable">
      <label htmlFor={id}>{label}</label>
      <div>
        <input id={id} type="text" readOnly value={text} onFocus={(event) => event.target.select()} />
        <button type="button" className="button small" aria-label={`Copy: ${label}`} onClick={() => void copy()}>
          <Icon name="copy" /> Copy
        </button>
      </div>
      <span role="status">{said}</span>
    </div>
  );
}

function sourceCall(request: SourceRequest, source: Source): string | null {
  if (request.kind === "source") return null;
  const { pgc } = source.galaxy;
  const body = bodyOfRequest(pgc && request.kind === "name" ? { kind: "pgc", pgc } : request);
  // In a shell a single quote would end the string.
  return `curl -sH 'Content-Type: application/json' -d '${JSON.stringify(body).replace(/'/g, "'\\''")}' ${window.location.origin}/api/v1/predict/sources/`;
}

/** A link to this view, and the API calls for it. */
export function Sharing({ request, source, view }: { request: SourceRequest; source: Source; view: View }) {
  const first = sourceCall(request, source);
  const evaluate = `curl -sH 'Content-Type: application/json' -d '${JSON.stringify(bodyOf(view))}' ${window.location.origin}/api/v1/predict/sources/${source.id}/evaluate/`;
  return (
    <details className="fold">
      <summary>Link and API call</summary>
      <Copyable label={request.kind === "source" ? `Link, until ${expiryWords(source)}: your picture is then deleted` : "Link to this view"} text={window.location.origin + addressOf(request, viewToQuery(view))} />
      {first && <Copyable label="By API: load the galaxy, which returns an id" text={first} />}
      <Copyable label={first ? "then evaluate this view" : "By API: evaluate this view"} text={evaluate} />
      <p className="quiet">
        <a href="/api/v1/docs/">API documentation</a>. Many galaxies at once: <code>manage.py predict</code>.
      </p>
    </details>
  );
}

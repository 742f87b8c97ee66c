import { type FormEvent, useId, useRef, useState } from "react";
import { Icon } from "@/components/Icon";
import { navigate } from "@/lib/router";
import { addressOf, DEFAULT_SIZE_ARCMIN, isRequest, type PositionText, requestOfPosition, requestOfText, type SourceRequest } from "../rules/request";
import { Examples } from "./Examples";

interface Props {
  onUpload: (files: readonly File[]) => void;
  /** Called when a galaxy has been chosen, so that an enclosing sheet can close. */
  onChosen?: () => void;
}

const MOST_FILES = 4;
const KINDS = ".png,.jpg,.jpeg,.webp,.fits,.fit,.fts,image/png,image/jpeg,image/webp,image/fits,application/fits";

function ByName({ onRequest }: { onRequest: (request: SourceRequest) => void }) {
  const [text, setText] = useState("");
  const [problem, setProblem] = useState("");
  const id = useId();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const request = requestOfText(text);
    if (isRequest(request)) onRequest(request);
    else setProblem(request);
  };
  return (
    <form className="by-name" onSubmit={submit} noValidate>
      <label htmlFor={id}>PGC number or name</label>
      <div className="field-row">
        <input
          id={id}
          type="text"
          inputMode="text"
          autoComplete="off"
          spellCheck={false}
          enterKeyHint="go"
          placeholder="NGC 4321"
          value={text}
          aria-invalid={problem !== "" || undefined}
          aria-describedby={problem ? `${id}-problem` : undefined}
          onChange={(event) => {
            setText(event.target.value);
            setProblem("");
          }}
        />
        <button type="submit" className="button primary">
          Load
        </button>
      </div>
      {problem && (
        <p id={`${id}-problem`} className="field-problem" role="alert">
          {problem}
        </p>
      )}
    </form>
  );
}

const FIELDS: readonly { name: keyof PositionText; label: string; placeholder: string }[] = [
  { name: "ra", label: "Right ascension", placeholder: "185.7287 or 12 22 54.9" },
  { name: "dec", label: "Declination", placeholder: "15.8223 or +15 49 20" },
  { name: "size", label: "Field, arcmin", placeholder: "twice the galaxy" },
];

function ByPosition({ onRequest }: { onRequest: (request: SourceRequest) => void }) {
  const [text, setText] = useState<PositionText>({ ra: "", dec: "", size: String(DEFAULT_SIZE_ARCMIN) });
  const [problems, setProblems] = useState<Partial<PositionText>>({});
  const id = useId();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const request = requestOfPosition(text);
    if (isRequest(request)) onRequest(request);
    else setProblems(request);
  };
  return (
    <details className="fold">
      <summary>By position and size</summary>
      <form className="by-position" onSubmit={submit} noValidate>
        {FIELDS.map(({ name, label, placeholder }) => (
          <div key={name} className={`field field-${name}`}>
            <label htmlFor={`${id}-${name}`}>{label}</label>
            <input
              id={`${id}-${name}`}
              type="text"
              autoComplete="off"
              spellCheck={false}
              placeholder={placeholder}
              value={text[name]}
              aria-invalid={problems[name] !== undefined || undefined}
              aria-describedby={problems[name] ? `${id}-${name}-problem` : undefined}
              onChange={(event) => {
                setText({ ...text, [name]: event.target.value });
                setProblems({ ...problems, [name]: undefined });
              }}
            />
            {problems[name] && (
              <p id={`${id}-${name}-problem`} className="field-problem" role="alert">
                {problems[name]}
              </p>
            )}
          </div>
        ))}
        <button type="submit" className="button">
          Load this place
        </button>
      </form>
    </details>
  );
}

function Upload({ onFiles }: { onFiles: (files: readonly File[]) => void }) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <section className="upload" aria-label="Your own picture">
      <Icon name="file" />
      <p>
        Drop a picture anywhere here, paste one, or{" "}
        <button type="button" className="text-button" onClick={() => input.current?.click()}>
          choose files
        </button>
      </p>
      <p className="quiet">
        PNG, JPEG, WebP or FITS. Up to {MOST_FILES} of one galaxy, one per band: file names that end in <code>_g</code>, <code>_r</code>, <code>_i</code> or <code>_gri</code> say which. Deleted after a day.
      </p>
      <input
        ref={input}
        className="sr-only"
        type="file"
        multiple
        accept={KINDS}
        tabIndex={-1}
        aria-label="Pictures of a galaxy"
        onChange={(event) => {
          const files = [...(event.target.files ?? [])];
          event.target.value = "";
          if (files.length > 0) onFiles(files);
        }}
      />
    </section>
  );
}

/** All ways to choose a galaxy. */
export function Chooser({ onUpload, onChosen }: Props) {
  const open = (request: SourceRequest) => {
    onChosen?.();
    navigate(addressOf(request));
  };
  return (
    <div className="chooser">
      <ByName onRequest={open} />
      <ByPosition onRequest={open} />
      <Upload
        onFiles={(files) => {
          onChosen?.();
          onUpload(files);
        }}
      />
      <Examples />
    </div>
  );
}

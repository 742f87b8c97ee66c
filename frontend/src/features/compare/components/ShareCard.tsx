import { useEffect, useRef, useState } from "react";
import { type Card, CARD_PX, cardWords, drawCard } from "../rules/shareCard";

const NAME = "galaxies.png";

const canShareFiles = (): boolean =>
  typeof navigator.canShare === "function" && navigator.canShare({ files: [new File([""], NAME, { type: "image/png" })] });

/** The picture to share, drawn in the browser: shared where the browser can, else downloaded. */
export function ShareCard({ card }: { card: Card }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [problem, setProblem] = useState("");
  const words = cardWords(card);
  useEffect(() => {
    if (canvas.current) drawCard(canvas.current, card);
  });
  const send = (isShared: boolean) =>
    canvas.current?.toBlob(async (blob) => {
      if (!blob) return setProblem("This browser could not make the picture.");
      if (isShared) {
        // Closing the browser's sheet without sharing is no failure.
        await navigator.share({ files: [new File([blob], NAME, { type: "image/png" })], text: words }).catch(() => undefined);
        return undefined;
      }
      const address = URL.createObjectURL(blob);
      Object.assign(document.createElement("a"), { href: address, download: NAME }).click();
      setTimeout(() => URL.revokeObjectURL(address), 10_000);
      return undefined;
    }, "image/png");
  return (
    <section className="share-card" aria-label="Picture to share">
      <canvas ref={canvas} width={CARD_PX} height={CARD_PX} role="img" aria-label={words} />
      <p className="actions">
        {canShareFiles() && (
          <button type="button" className="button" onClick={() => send(true)}>
            Share
          </button>
        )}
        <button type="button" className="button" onClick={() => send(false)}>
          Download the picture
        </button>
      </p>
      {problem && <p role="alert">{problem}</p>}
    </section>
  );
}

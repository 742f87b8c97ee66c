import type { Band } from "@/lib/api/types";
import { BAND_NAMES } from "@/lib/pictures/choose";
import type { Answer } from "../api/types";

const ORDER: readonly Band[] = ["gri", "g", "r", "i"];

/** The pixels that the network received, on demand. */
export function Seen({ seen }: { seen: Answer["seen"] }) {
  const bands = ORDER.filter((band) => seen[band]);
  return (
    <details className="fold">
      <summary>What the network saw</summary>
      <p className="quiet">Only these pixels: no name, no catalogue data.</p>
      <ul className="seen">
        {bands.map((band) => (
          <li key={band}>
            <img src={seen[band]} alt={`what the network saw in ${BAND_NAMES[band]}`} width={128} height={128} loading="lazy" />
            <span>{BAND_NAMES[band]}</span>
          </li>
        ))}
      </ul>
    </details>
  );
}

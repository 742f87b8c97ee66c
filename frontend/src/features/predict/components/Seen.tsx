import type { Band } from "@/lib/api/types";
import { BAND_NAMES } from "@/lib/pictures/choose";
import type { Answer } from "../api/types";

const ORDER: readonly Band[] = ["gri", "g", "r", "i"];

/** The pixels that went into the network, on demand. */
export function Seen({ seen }: { seen: Answer["seen"] }) {
  const bands = ORDER.filter((band) => seen[band]);
  return (
    <details className="fold">
      <summary>What the network saw</summary>
      <p className="quiet">These pixels, nothing else: no name, no catalogue.</p>
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

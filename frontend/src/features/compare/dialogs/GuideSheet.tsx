import { useQuery } from "@tanstack/react-query";
import Sheet from "@/components/Sheet";
import { inWords } from "@/lib/errorWords";
import { guideQuery } from "../api";

/** The field guide that belongs to this task, beside the comparison: the galaxy stays in view on wide screens. */
export function GuideSheet({ version, onClose }: { version: number; onClose: () => void }) {
  const { data, error, refetch } = useQuery(guideQuery(version));
  return (
    <Sheet title="Field guide" className="guide-sheet" onClose={onClose}>
      <div className="guide-body">
        {/* The server has cleaned it: giz/texts/markup.py. */}
        {data && <div className="prose" dangerouslySetInnerHTML={{ __html: data.html }} />}
        {!data && !error && <p className="arriving">Loading the field guide</p>}
        {!data && error && (
          <p role="alert">
            {inWords(error)}{" "}
            <button type="button" className="text-button" onClick={() => void refetch()}>
              Try again
            </button>
          </p>
        )}
      </div>
    </Sheet>
  );
}

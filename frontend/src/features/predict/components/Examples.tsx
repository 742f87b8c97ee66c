import { useQuery } from "@tanstack/react-query";
import { Link } from "@/components/Link";
import { SkyPicture } from "@/components/SkyPicture";
import { Priority } from "@/lib/pictures/loader";
import { queryKeys } from "@/lib/queryKeys";
import { getExamples } from "../api/calls";
import { addressOf } from "../rules/request";

/** Example galaxies; nothing if there are none. */
export function Examples() {
  const examples = useQuery({ queryKey: queryKeys.predictExamples, queryFn: getExamples, staleTime: Number.POSITIVE_INFINITY }).data ?? [];
  if (examples.length === 0) return null;
  return (
    <section className="examples" aria-labelledby="examples-title">
      <h2 id="examples-title">Or try one of these</h2>
      <ul>
        {examples.map(({ pgc, name, picture_url }) => (
          <li key={pgc}>
            <Link to={addressOf({ kind: "pgc", pgc })} aria-label={`Try ${name}`}>
              <span className="example-view">
                <SkyPicture address={picture_url} alt="" priority={Priority.strip} style={{ transform: "scale(1.45)" }} isSmall />
              </span>
            </Link>
          </li>
        ))}
      </ul>
    </section>
  );
}

import "./landing.css";
import { useQuery } from "@tanstack/react-query";
import { Footer } from "@/components/Footer";
import { Header } from "@/components/Header";
import { Link } from "@/components/Link";
import { getCampaigns, getStats } from "./api";
import { keptTasks } from "@/lib/keptTasks";
import { queryKeys } from "@/lib/queryKeys";
import { PREDICT_ADDRESS } from "@/lib/router";
import { useMe } from "@/lib/useMe";
import { useMyCampaign } from "@/lib/useMyCampaign";
import { useTitle } from "@/lib/useTitle";
import { Begin } from "./Begin";
import { Campaigns, Figures, FiguresPlace } from "./Progress";
import { TiltGalaxy } from "./TiltGalaxy";

const LIVE_MS = 60_000;
/** While no campaign is open: a new site may still be creating its first one. */
const WAITING_MS = 5_000;

const STEPS = [
  ["One galaxy, two neighbours", "You see a galaxy between two others whose tilt is known. Move it along the row until it fits between its neighbours."],
  ["First roughly, then precisely", "First the neighbours are five degrees apart, then one degree. Your first impression is usually the best."],
  ["Many eyes see more", "At least three people judge every galaxy. Together they are more precise than any one of them."],
] as const;

export default function LandingPage() {
  useTitle("How far is this galaxy tilted?");
  const me = useMe();
  const stats = useQuery({ queryKey: queryKeys.stats, queryFn: getStats, refetchInterval: LIVE_MS });
  const mine = useMyCampaign({ everyMs: (found) => (found ? LIVE_MS : WAITING_MS) });
  const campaigns = useQuery({ queryKey: queryKeys.campaigns, queryFn: getCampaigns, refetchInterval: mine.data ? LIVE_MS : WAITING_MS });
  const volunteer = me.data?.volunteer;
  const isSignedIn = Boolean(volunteer);
  const problem = mine.data === undefined ? (mine.error ?? me.error) : null;
  const saved = problem && volunteer ? keptTasks(volunteer)[0]?.campaign : undefined;
  return (
    <>
      <Header />
      <main className="landing">
        <section className="hero">
          <div className="hero-words">
            <h1>How far is this galaxy tilted?</h1>
            <p className="lead">
              Software misjudges a third of all spiral galaxies; your eye is better. Compare galaxies side by side, and help to measure how far away they are.
            </p>
            <Begin campaign={me.data ? mine.data : undefined} isSignedIn={isSignedIn} problem={problem} saved={saved} />
            {stats.data && stats.data.votes > 0 ? <Figures stats={stats.data} /> : <FiguresPlace />}
          </div>
          <TiltGalaxy />
        </section>
        <section aria-labelledby="how-title" className="how">
          <h2 id="how-title">How it works</h2>
          <ol>
            {STEPS.map(([title, words]) => (
              <li key={title}>
                <h3>{title}</h3>
                <p>{words}</p>
              </li>
            ))}
          </ol>
        </section>
        <section aria-labelledby="ask-title" className="ask-network">
          <div>
            <h2 id="ask-title">Or ask the network</h2>
            <p>A neural network has learned from galaxies of known tilt. Name a galaxy or upload a picture, and see what it predicts and how certain it is.</p>
          </div>
          <Link to={PREDICT_ADDRESS} className="button">
            Ask the network
          </Link>
        </section>
        {campaigns.data && campaigns.data.length > 0 && <Campaigns campaigns={campaigns.data} />}
      </main>
      <Footer isStaff={me.data?.role === "staff"} />
    </>
  );
}

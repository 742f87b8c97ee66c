import "./landing.css";
import { useQuery } from "@tanstack/react-query";
import { Footer } from "@/components/Footer";
import { Header } from "@/components/Header";
import { Link } from "@/components/Link";
import { getCampaigns } from "@/lib/api/getCampaigns";
import { campaignToJoin } from "@/lib/campaigns";
import { queryKeys } from "@/lib/queryKeys";
import { PREDICT_ADDRESS } from "@/lib/router";
import { useMe } from "@/lib/useMe";
import { useTitle } from "@/lib/useTitle";
import { Begin } from "./Begin";
import { getStats } from "./getStats";
import { Campaigns, Figures, FiguresPlace } from "./Progress";
import { TiltGalaxy } from "./TiltGalaxy";

const LIVE_MS = 60_000;
/** While nothing is open: a new site is still being filled. */
const WAITING_MS = 5_000;

const STEPS = [
  ["One galaxy, two neighbours", "Your galaxy stands between two galaxies whose tilt is known. Move it along the row until both neighbours look right."],
  ["First roughly, then exactly", "Five degrees apart at first, then one degree. Your first impression is usually the best."],
  ["Several eyes agree", "At least three people judge every galaxy. Together they know its tilt better than any one of them."],
] as const;

export default function LandingPage() {
  useTitle("How far is this galaxy tilted?");
  const me = useMe();
  const stats = useQuery({ queryKey: queryKeys.stats, queryFn: getStats, refetchInterval: LIVE_MS });
  const campaigns = useQuery({ queryKey: queryKeys.campaigns, queryFn: getCampaigns, refetchInterval: ({ state }) => (campaignToJoin(state.data) ? LIVE_MS : WAITING_MS) });
  const isSignedIn = Boolean(me.data?.volunteer);
  const open = campaignToJoin(campaigns.data);
  return (
    <>
      <Header />
      <main className="landing">
        <section className="hero">
          <div className="hero-words">
            <h1>How far is this galaxy tilted?</h1>
            <p className="lead">
              A third of all spirals fool the computer; your eye is better. Compare galaxies side by side, and help to measure how far away they are.
            </p>
            <Begin campaign={campaigns.data && me.data ? (open ?? null) : undefined} isSignedIn={isSignedIn} problem={campaigns.data ? null : (campaigns.error ?? me.error)} />
            {stats.isPending && <FiguresPlace />}
            {stats.data && stats.data.votes > 0 && <Figures stats={stats.data} />}
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
            <p>It has learned from galaxies of known tilt. Name a galaxy or give it a picture of your own, and see where it puts it, and how sure it is.</p>
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

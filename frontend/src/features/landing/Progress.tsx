import { Link } from "@/components/Link";
import { Meter } from "@/components/Meter";
import type { Campaign, Stats } from "@/lib/api/types";
import { labelAddress } from "@/lib/router";

const COUNT = new Intl.NumberFormat("en");

export function Figures({ stats }: { stats: Stats }) {
  const figures = [
    [stats.volunteers, stats.volunteers === 1 ? "person" : "people"],
    [stats.galaxies, stats.galaxies === 1 ? "galaxy" : "galaxies"],
    [stats.votes, stats.votes === 1 ? "vote so far" : "votes so far"],
  ] as const;
  return (
    <ul className="figures" data-testid="stats">
      {figures.map(([count, what]) => (
        <li key={what}>
          <strong>{COUNT.format(count)}</strong> {what}
        </li>
      ))}
    </ul>
  );
}

/** Reserves the space of the figures until they are loaded, and while there are no votes. */
export function FiguresPlace() {
  return (
    <ul className="figures place-held" aria-hidden="true">
      <li>
        <strong>0</strong> people
      </li>
    </ul>
  );
}

export function Campaigns({ campaigns }: { campaigns: readonly Campaign[] }) {
  return (
    <section className="campaigns" aria-labelledby="campaigns-title">
      <h2 id="campaigns-title">Open now</h2>
      <ul>
        {campaigns.map((campaign) => (
          <li key={campaign.name}>
            <div className="campaign-name">
              {campaign.state === "open" ? <Link to={labelAddress(campaign.name)}>{campaign.title || campaign.name}</Link> : <span>{campaign.title || campaign.name}</span>}
              {campaign.state === "paused" && <span className="chip">paused</span>}
            </div>
            {campaign.description && <p>{campaign.description}</p>}
            <Meter value={campaign.retired} of={campaign.galaxies} label={`${campaign.title || campaign.name}: galaxies finished`} />
            <p className="campaign-count">
              {COUNT.format(campaign.retired)} of {COUNT.format(campaign.galaxies)} galaxies finished · {COUNT.format(campaign.votes)} votes
            </p>
          </li>
        ))}
      </ul>
    </section>
  );
}

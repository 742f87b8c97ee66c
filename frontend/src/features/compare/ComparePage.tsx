import "./compare.css";
import { useQuery } from "@tanstack/react-query";
import { Header } from "@/components/Header";
import type { Campaign } from "@/lib/api/types";
import { inWords } from "@/lib/errorWords";
import { queryKeys } from "@/lib/queryKeys";
import { useMe } from "@/lib/useMe";
import { useTitle } from "@/lib/useTitle";
import { getCampaign } from "./api";
import { Comparison } from "./Comparison";
import { Invitation } from "./components/Invitation";
import { useLabelling } from "./hooks/useLabelling";

const PROGRESS_MS = 120_000;

/** The galaxies of a campaign, one after the other, for a user who is logged in. */
function Labelling({ name, volunteer, campaign, isNewcomer }: { name: string; volunteer: string; campaign: Campaign | undefined; isNewcomer: boolean }) {
  return <Comparison isNewcomer={isNewcomer} labelling={useLabelling(name, volunteer)} about={campaign && { title: campaign.title, progress: `${campaign.retired} of ${campaign.galaxies} galaxies done` }} />;
}

export default function ComparePage({ campaign }: { campaign: string }) {
  const me = useMe();
  const about = useQuery({ queryKey: queryKeys.campaign(campaign), queryFn: () => getCampaign(campaign), refetchInterval: PROGRESS_MS }).data;
  const title = about?.title;

  useTitle(title);

  if (me.data?.volunteer) return <Labelling name={campaign} volunteer={me.data.volunteer} campaign={about} isNewcomer={me.data.counts.votes + me.data.counts.rejected === 0} key={me.data.volunteer} />;
  if (me.data) return <Invitation title={title} />;
  return (
    <>
      <Header />
      <main className="message">{me.error ? <p role="alert">{inWords(me.error)}</p> : <p className="arriving">Loading your galaxy</p>}</main>
    </>
  );
}

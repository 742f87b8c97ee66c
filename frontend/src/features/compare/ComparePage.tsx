import "./compare.css";
import { useQuery } from "@tanstack/react-query";
import { Header } from "@/components/Header";
import { inWords } from "@/lib/errorWords";
import { queryKeys } from "@/lib/queryKeys";
import { useMe } from "@/lib/useMe";
import { useTitle } from "@/lib/useTitle";
import { getCampaign } from "./api/getCampaign";
import { Comparison } from "./Comparison";
import { Invitation } from "./components/Invitation";
import { useLabelling } from "./hooks/useLabelling";

/** The galaxies of a campaign, one after the other, for someone who is signed in. */
function Campaign({ campaign }: { campaign: string }) {
  return <Comparison labelling={useLabelling(campaign)} />;
}

export default function ComparePage({ campaign }: { campaign: string }) {
  const me = useMe();
  const title = useQuery({ queryKey: queryKeys.campaign(campaign), queryFn: () => getCampaign(campaign) }).data?.title;

  useTitle(title);

  if (me.data?.volunteer) return <Campaign campaign={campaign} key={me.data.volunteer} />;
  if (me.data) return <Invitation title={title} />;
  return (
    <>
      <Header />
      <main className="message">{me.error ? <p role="alert">{inWords(me.error)}</p> : <p className="arriving">Your galaxy is on its way</p>}</main>
    </>
  );
}

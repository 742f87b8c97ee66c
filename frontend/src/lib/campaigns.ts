import type { Campaign } from "./api/types";

/** The campaign that a visitor is sent to: an open one with galaxies left, else any open one. */
export function campaignToJoin(campaigns: readonly Campaign[] | undefined): Campaign | undefined {
  const open = campaigns?.filter((campaign) => campaign.state === "open") ?? [];
  return open.find((campaign) => campaign.retired < campaign.galaxies) ?? open[0];
}

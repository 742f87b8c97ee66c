/** Names for the types of the API, all from the published schema (`make schema`). */

import type { components, operations } from "./schema.gen";

type Schemas = components["schemas"];

export type Band = Schemas["BandEnum"];
export type Theme = Schemas["ThemeEnum"];
export type Reason = Schemas["ReasonsEnum"];
export type Preferences = Schemas["Preferences"];
export type Me = Schemas["Me"];
export type Stats = Schemas["Stats"];
export type Campaign = Schemas["Campaign"];
export type MyCampaign = Schemas["MyCampaign"];
export type StandardSet = operations["standard_set"]["responses"][200]["content"]["application/json"];
export type Standard = StandardSet["standards"][number];
/** Stem by band; a band may be missing. */
export type ImageStems = Standard["images"];
export type Task = Schemas["Task"];
export type PracticeRound = Schemas["Round"];
export type Judged = Schemas["Judged"];
export type Practice = Schemas["Practice"];
export type Lease = Schemas["Due"];
export type VoteBody = Schemas["VoteRecordRequest"] & { reasons: Reason[] };
export type VoteReceipt = Schemas["Vote"];
export type OwnVote = Schemas["OwnVote"];
export type OwnVotes = Schemas["OwnVotes"];
export type Outcome = Schemas["Outcome"];
export type MyEye = Schemas["MyEye"];
export type NewlySettled = Schemas["NewlySettled"];

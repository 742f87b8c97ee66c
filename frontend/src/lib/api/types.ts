/** The API's shapes as the rest of the code names them; all of them come from the published schema (`make schema`). */

import type { components, operations } from "./schema.gen";

type Schemas = components["schemas"];

export type Band = Schemas["BandEnum"];
export type Theme = Schemas["ThemeEnum"];
export type Reason = Schemas["ReasonsEnum"];
export type Preferences = Schemas["Preferences"];
export type Me = Schemas["Me"];
export type Stats = Schemas["Stats"];
export type Campaign = Schemas["Campaign"];
export type StandardSet = operations["standard_set"]["responses"][200]["content"]["application/json"];
export type Standard = StandardSet["standards"][number];
/** Stem by band; a band may be missing. */
export type ImageStems = Standard["images"];
export type Task = Schemas["Task"];
export type Lease = Schemas["Due"];
export type VoteBody = Schemas["VoteRecordRequest"] & { reasons: Reason[] };
export type VoteReceipt = Schemas["Vote"];
export type OwnVote = Schemas["OwnVote"];
export type OwnVotes = Schemas["OwnVotes"];

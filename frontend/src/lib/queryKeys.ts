export const queryKeys = {
  me: ["me"] as const,
  stats: ["stats"] as const,
  campaigns: ["campaigns"] as const,
  campaign: (name: string) => ["campaigns", name] as const,
  standardSet: (id: number) => ["standard-sets", id] as const,
  comparison: (sourceId: string, round: number) => ["predict", "comparison", sourceId, round] as const,
  networkAnswer: (sourceId: string) => ["predict", "answer", sourceId] as const,
  predictExamples: ["predict", "examples"] as const,
  ownVotes: ["me", "votes"] as const,
};

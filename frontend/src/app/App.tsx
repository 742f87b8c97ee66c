import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { lazy, Suspense, useEffect } from "react";
import { Header } from "@/components/Header";
import { ApiError } from "@/lib/api/client";
import { outbox } from "@/lib/outbox";
import { adoptPreferences } from "@/lib/preferences";
import { queryKeys } from "@/lib/queryKeys";
import { isPredictPath, usePath } from "@/lib/router";
import { useMe } from "@/lib/useMe";
import { Boundary } from "./Boundary";
import { NotFound } from "./NotFound";

const ComparePage = lazy(() => import("@/features/compare/ComparePage"));
const OwnEyePage = lazy(() => import("@/features/compare/OwnEyePage"));
const LandingPage = lazy(() => import("@/features/landing/LandingPage"));
const PredictPage = lazy(() => import("@/features/predict/PredictPage"));
const MePage = lazy(() => import("@/features/me/MePage"));

const queryClient = new QueryClient({
  defaultOptions: {
    queries: { retry: (count, error) => error instanceof ApiError && error.isPassing && count < 4, refetchOnWindowFocus: false, staleTime: 30_000 },
  },
});

/** Votes and preferences follow whoever is signed in. */
function useAccount(): void {
  const me = useMe().data;
  const volunteer = me?.volunteer;
  useEffect(() => {
    if (volunteer !== undefined) void outbox.setVolunteer(volunteer);
  }, [volunteer]);
  useEffect(() => {
    if (me?.volunteer) adoptPreferences(me.preferences);
    // Only at sign-in: later answers to me/ must not undo what is being changed here.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [volunteer]);
  useEffect(() => outbox.hear((event) => void (event.kind === "receipt" && queryClient.invalidateQueries({ queryKey: queryKeys.me }))), []);
}

function CurrentPage() {
  const path = usePath();
  useAccount();
  const campaign = path.match(/^\/label\/([^/]+)\/?$/)?.[1];
  if (campaign) return <ComparePage key={campaign} campaign={decodeURIComponent(campaign)} />;
  const sourceId = path.match(/^\/judge\/([\w-]{1,64})\/?$/)?.[1];
  if (sourceId) return <OwnEyePage key={sourceId} sourceId={sourceId} />;
  if (path === "/") return <LandingPage />;
  if (path === "/me" || path === "/me/") return <MePage />;
  if (isPredictPath(path)) return <PredictPage />;
  return <NotFound />;
}

export function App() {
  return (
    <Boundary>
      <QueryClientProvider client={queryClient}>
        <Suspense fallback={<Header />}>
          <CurrentPage />
        </Suspense>
      </QueryClientProvider>
    </Boundary>
  );
}

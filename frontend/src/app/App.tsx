import { QueryClient, QueryClientProvider, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { Header } from "@/components/Header";
import { LazyPart } from "@/components/LazyPart";
import { ApiError, belongTo } from "@/lib/api/client";
import { clearHand } from "@/lib/handStore";
import { outbox } from "@/lib/outbox";
import { keepWantedRounds } from "@/lib/practiceRounds";
import { pauseMs } from "@/lib/outbox/delivery";
import { afterFirstPress, fetchWhenIdle, Part } from "@/lib/parts";
import { adoptPreferences } from "@/lib/preferences";
import { queryKeys } from "@/lib/queryKeys";
import { isPredictPath, usePath } from "@/lib/router";
import { useMe } from "@/lib/useMe";
import { Boundary } from "./Boundary";
import { FailedPage } from "./FailedPage";
import { NotFound } from "./NotFound";

const PAGES = {
  compare: new Part(() => import("@/features/compare/ComparePage")),
  ownEye: new Part(() => import("@/features/compare/OwnEyePage")),
  practice: new Part(() => import("@/features/compare/PracticePage")),
  landing: new Part(() => import("@/features/landing/LandingPage")),
  predict: new Part(() => import("@/features/predict/PredictPage")),
  me: new Part(() => import("@/features/me/MePage")),
};

const isPassing = (error: unknown): error is ApiError => error instanceof ApiError && error.isPassing;

/** A request that fails temporarily is repeated while the page is open: "we will keep trying" must be true. */
const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      // Without a connection a request fails at once, and what is saved on this device is shown.
      networkMode: "always",
      retry: (count, error) => isPassing(error) && count < 2,
      refetchInterval: ({ state }) => isPassing(state.error) && pauseMs(state.errorUpdateCount, state.error.retryAfterS, Math.random()),
      refetchOnWindowFocus: ({ state }) => isPassing(state.error) && "always",
      refetchOnReconnect: ({ state }) => isPassing(state.error) && "always",
      staleTime: 30_000,
    },
  },
});

const ACCOUNT_CHANNEL = "giz-account";
const askWhoIsHere = () => void queryClient.invalidateQueries({ queryKey: queryKeys.me });

/** Tabs share one session: each announces who is logged in, and a tab that shows somebody else asks the server. */
function useOtherTabs(volunteer: string | null | undefined): void {
  useEffect(() => {
    if (volunteer === undefined || typeof BroadcastChannel === "undefined") return undefined;
    const tabs = new BroadcastChannel(ACCOUNT_CHANNEL);
    tabs.postMessage(volunteer);
    tabs.addEventListener("message", (event) => {
      if (event.data !== volunteer) askWhoIsHere();
    });
    return () => tabs.close();
  }, [volunteer]);
}

/** Ties votes and preferences to the person who is logged in. */
function useAccount(): void {
  const client = useQueryClient();
  const me = useMe().data;
  const volunteer = me?.volunteer;
  useEffect(() => {
    if (volunteer === undefined) return;
    belongTo(volunteer);
    void outbox.setVolunteer(volunteer);
    if (volunteer === null && !outbox.getState().needsLogin) clearHand("all");
  }, [volunteer]);
  useEffect(() => {
    if (!me?.volunteer) return;
    adoptPreferences(me.preferences);
    void keepWantedRounds().then((isKept) => (isKept ? client.invalidateQueries({ queryKey: queryKeys.practice }) : undefined));
    // Only at login: later responses of me/ must not undo changes made here.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [volunteer]);
  useOtherTabs(volunteer);
  useEffect(() => outbox.hear(({ kind }) => (kind === "receipt" || kind === "stranger" ? askWhoIsHere() : undefined)), []);
}

function Page<Props extends object>({ part, props }: { part: Part<Props>; props: Props }) {
  return <LazyPart part={part} props={props} waiting={<Header />} failed={(retry) => <FailedPage onRetry={retry} />} />;
}

function CurrentPage({ path }: { path: string }) {
  useAccount();
  const campaign = path.match(/^\/label\/([^/]+)\/?$/)?.[1];
  const isLabelling = campaign !== undefined;
  // Volunteers continue to these pages from here, perhaps without a connection.
  useEffect(() => (isLabelling ? afterFirstPress(() => fetchWhenIdle(PAGES.me, PAGES.landing)) : undefined), [isLabelling]);
  useEffect(() => (path === "/" ? fetchWhenIdle(PAGES.practice) : undefined), [path]);
  if (campaign) return <Page key={campaign} part={PAGES.compare} props={{ campaign: decodeURIComponent(campaign) }} />;
  const sourceId = path.match(/^\/judge\/([\w-]{1,64})\/?$/)?.[1];
  if (sourceId) return <Page key={sourceId} part={PAGES.ownEye} props={{ sourceId }} />;
  const practice = path.match(/^\/practice(\/daily)?\/?$/);
  if (practice) return <Page key={path} part={PAGES.practice} props={{ isDaily: practice[1] !== undefined }} />;
  if (path === "/") return <Page part={PAGES.landing} props={{}} />;
  if (path === "/me" || path === "/me/") return <Page part={PAGES.me} props={{}} />;
  if (isPredictPath(path)) return <Page part={PAGES.predict} props={{}} />;
  return <NotFound />;
}

export function App() {
  const path = usePath();
  return (
    <Boundary path={path}>
      <QueryClientProvider client={queryClient}>
        <CurrentPage path={path} />
      </QueryClientProvider>
    </Boundary>
  );
}

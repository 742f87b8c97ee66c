import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useState } from "react";
import { Header } from "@/components/Header";
import { LazyPart } from "@/components/LazyPart";
import { FailedSheet } from "@/components/PlainSheet";
import { useKeys } from "@/lib/keys/useKeys";
import { fetchWhenIdle, Part } from "@/lib/parts";
import { usePreferences } from "@/lib/preferences";
import { guideQuery } from "./api";
import { DecisionBar } from "./components/DecisionBar";
import { Headline } from "./components/Headline";
import { NoGalaxy } from "./components/NoGalaxy";
import { StepPills } from "./components/StepPills";
import { Strip } from "./components/Strip";
import { Toolbar } from "./components/Toolbar";
import { type Trio, Triptych } from "./components/Triptych";
import { commandOf } from "./hooks/keys";
import { type DialogName, useCommands } from "./hooks/useCommands";
import type { Labelling } from "./hooks/useLabelling";
import { standardPicture, targetPicture, useAlbums, useSharedView } from "./hooks/usePictures";
import { usePace } from "./hooks/usePace";
import { usePreload } from "./hooks/usePreload";
import { useTour } from "./hooks/useTour";
import { useReady } from "./hooks/useReady";
import { useRenewal } from "./hooks/useRenewal";
import { useStock } from "./hooks/useStock";
import { useStepHistory } from "./hooks/useStepHistory";
import { neighbours } from "./state/session";

const DIALOGS = new Part(() => import("./dialogs/Dialogs"));

/** What the galaxy belongs to, and how far that is. */
export interface About {
  title: string;
  progress: string;
}

function AboutLine({ about: { title, progress }, className }: { about: About; className: string }) {
  return (
    <p className={`campaign-line ${className}`}>
      <strong>{title}</strong> <span>{progress}</span>
    </p>
  );
}

interface Props {
  labelling: Labelling;
  about?: About | undefined;
  /** Whether this person has judged no galaxy yet: then the first one comes with a tour. */
  isNewcomer?: boolean;
}

/** One galaxy between standards, with all controls. The caller provides the galaxy and receives the answer. */
export function Comparison({ labelling, about, isNewcomer = false }: Props) {
  const { current, deck } = labelling;
  const { show_keys: showKeys } = usePreferences();
  const shared = useSharedView(current);
  const albums = useAlbums(deck.sessions);
  const [dialog, setDialog] = useState<DialogName | null>(null);
  const album = current ? albums.byId.get(current.task.standard_set) : undefined;

  const trio = useMemo<Trio | null>(() => {
    if (!current || !album) return null;
    const { left, right } = neighbours(current);
    return {
      target: targetPicture(current, shared),
      left: left && standardPicture(current, album, left.standardId, shared),
      right: right && standardPicture(current, album, right.standardId, shared),
    };
  }, [current, album, shared]);

  const isReady = useReady(trio ? [trio.target, trio.left, trio.right] : []) && trio !== null;
  const pace = usePace(labelling, isReady);
  const tour = useTour(current, isNewcomer);
  const { isChanging } = labelling;
  // A sheet opened while the galaxy changes would apply to the next galaxy.
  const guide = current?.task.guide ?? null;
  const open = useCallback(
    (name: DialogName) => {
      const canOpen = name === "guide" ? guide !== null : name === "help" || !isChanging;
      if (canOpen) setDialog(name);
    },
    [isChanging, guide],
  );
  const close = useCallback(() => setDialog(null), []);
  const client = useQueryClient();
  useEffect(() => {
    if (!isReady) return undefined;
    return fetchWhenIdle(DIALOGS, { load: () => (guide === null ? Promise.resolve() : client.prefetchQuery(guideQuery(guide))) });
  }, [isReady, guide, client]);
  const commands = useCommands(labelling, shared, pace, open);
  useStepHistory(current?.task.id ?? null, current?.place.step === "B", commands.stepBack);
  useRenewal(current, dialog !== null);
  useKeys(dialog === null, commandOf, commands.run);
  usePreload(deck.sessions, albums.byId, shared);
  useStock(album, shared.band, isReady);
  const taskId = current?.task.id;
  // On a small screen the user may have scrolled down to the tools: show the next galaxy from the top.
  useEffect(() => {
    window.scrollTo({ top: 0 });
  }, [taskId]);

  if (!current || !album || !trio) {
    return (
      <NoGalaxy
        problem={labelling.problem ?? albums.error}
        notice={labelling.notice}
        onUndo={labelling.canUndo ? commands.undo : undefined}
        onRetry={() => {
          labelling.tryAgain();
          if (albums.error) albums.refetch();
        }}
      />
    );
  }
  return (
    <div className="compare" data-tour={tour.mark ?? undefined}>
      <Header beside={about && <AboutLine about={about} className="wide-only" />}>
        <StepPills place={current.place} onBack={commands.stepBack} />
      </Header>
      <main className="compare-main">
        <Headline session={current} notice={labelling.notice} tour={tour} onUndo={commands.undo} />
        <Triptych session={current} trio={trio} scope={deck.scope} commands={commands} showKeys={showKeys} />
        <Strip session={current} target={trio.target} pictureOf={(id) => standardPicture(current, album, id, shared)} onPlace={commands.place} />
        <Toolbar
          commands={commands}
          scope={deck.scope}
          showKeys={showKeys}
          canUndo={labelling.canUndo}
          remarkCount={current.remarks.reasons.length + (current.remarks.comment ? 1 : 0)}
        />
        {about && <AboutLine about={about} className="narrow-only" />}
      </main>
      <DecisionBar session={current} commands={commands} showKeys={showKeys} />
      {dialog && (
        <LazyPart
          part={DIALOGS}
          props={{ name: dialog, session: current, trio, labelling, onTour: tour.start, onClose: close }}
          waiting={null}
          failed={(retry) => <FailedSheet onRetry={retry} onClose={close} />}
        />
      )}
    </div>
  );
}

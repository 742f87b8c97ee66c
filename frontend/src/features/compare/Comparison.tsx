import { lazy, Suspense, useCallback, useEffect, useMemo, useState } from "react";
import { Header } from "@/components/Header";
import { useKeys } from "@/lib/keys/useKeys";
import { usePreferences } from "@/lib/preferences";
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
import { usePreload } from "./hooks/usePreload";
import { useReady } from "./hooks/useReady";
import { neighbours } from "./state/session";

const Dialogs = lazy(() => import("./dialogs/Dialogs"));

/** One galaxy between standards, and all that one can do with it; where it comes from and where the answer goes is the caller's. */
export function Comparison({ labelling }: { labelling: Labelling }) {
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

  const isReady = useReady(trio ? [trio.target, trio.left, trio.right] : []) && trio !== null && !labelling.isChanging;
  const { isChanging } = labelling;
  // A sheet that opens while another galaxy comes would be filled in for that one.
  const open = useCallback((name: DialogName) => (name === "help" || !isChanging) && setDialog(name), [isChanging]);
  const commands = useCommands(labelling, shared, isReady, open);
  useKeys(dialog === null, commandOf, commands.run);
  usePreload(deck.sessions, albums.byId, shared);
  const taskId = current?.task.id;
  // Who has scrolled to the tools on a small screen meets the next galaxy from its top.
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
    <div className="compare">
      <Header>
        <StepPills place={current.place} onBack={commands.stepBack} />
      </Header>
      <main className="compare-main">
        <Headline session={current} notice={labelling.notice} onUndo={commands.undo} />
        <Triptych session={current} trio={trio} scope={deck.scope} commands={commands} showKeys={showKeys} />
        <Strip session={current} target={trio.target} pictureOf={(id) => standardPicture(current, album, id, shared)} onPlace={commands.place} />
        <Toolbar
          commands={commands}
          scope={deck.scope}
          showKeys={showKeys}
          canUndo={labelling.canUndo}
          remarkCount={current.remarks.reasons.length + (current.remarks.comment ? 1 : 0)}
        />
      </main>
      <DecisionBar session={current} commands={commands} isReady={isReady} showKeys={showKeys} />
      {dialog && (
        <Suspense fallback={null}>
          <Dialogs name={dialog} session={current} trio={trio} labelling={labelling} onClose={() => setDialog(null)} />
        </Suspense>
      )}
    </div>
  );
}

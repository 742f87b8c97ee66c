import "./predict.css";
import { Footer } from "@/components/Footer";
import { Header } from "@/components/Header";
import { useMe } from "@/lib/useMe";
import { useTitle } from "@/lib/useTitle";
import { Chooser } from "./components/Chooser";
import { PendingNotice } from "./components/PendingNotice";
import { Workspace } from "./components/Workspace";
import { useArrivals } from "./hooks/useArrivals";
import { useSource } from "./hooks/useSource";
import { galaxyName } from "./rules/words";

/** Ask the network about any galaxy: choose it, lay it into the frame, and read what the network says of it. */
export default function PredictPage() {
  const me = useMe();
  const { current, pending, upload, retry, renew, giveUp } = useSource();
  const isOver = useArrivals(upload);
  useTitle(current ? `Ask the network about ${galaxyName(current.source.galaxy)}` : "Ask the network");
  return (
    <>
      <Header />
      <main className="predict" data-empty={current ? undefined : true}>
        {!current && (
          <div className="predict-intro">
            <h1>Ask the network</h1>
            <p className="lead">
              Give it a spiral galaxy. It answers how far the disk is tilted, how sure it is of that, and whether the galaxy can be measured at all.
            </p>
          </div>
        )}
        {pending && <PendingNotice pending={pending} onRetry={retry} onGiveUp={giveUp} />}
        {current ? (
          <Workspace key={current.source.id} current={current} isActive={!isOver} onUpload={upload} onRenew={renew} />
        ) : (
          <div hidden={pending !== null && pending.phase !== "failed"}>
            <Chooser onUpload={upload} />
          </div>
        )}
        {isOver && (
          <div className="drop-veil" aria-hidden="true">
            <p>Let go: the network will look at it</p>
          </div>
        )}
      </main>
      <Footer isStaff={me.data?.role === "staff"} />
    </>
  );
}

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

/** Predict any galaxy: choose it, centre it in the frame, and read the prediction. */
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
              Choose a spiral galaxy. The network predicts how far its disk is tilted, how certain that is, and whether the galaxy can be measured at all.
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
            <p>Drop the picture to load it</p>
          </div>
        )}
      </main>
      <Footer isStaff={me.data?.role === "staff"} />
    </>
  );
}

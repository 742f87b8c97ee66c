import { createRoot } from "react-dom/client";
import { App } from "@/app/App";
import "@/app/app.css";
import { startFreshness } from "@/lib/freshness";
import { startOffline } from "@/lib/offline";
import { startOutbox } from "@/lib/outbox";
import { startRetrying } from "@/lib/pictures/loader";

startFreshness();
startOutbox();
startRetrying();
startOffline();

const root = document.getElementById("root");
if (root) createRoot(root).render(<App />);

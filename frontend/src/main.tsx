import { createRoot } from "react-dom/client";
import { App } from "@/app/App";
import "@/app/app.css";
import { startFreshness } from "@/lib/freshness";
import { startOutbox } from "@/lib/outbox";
import { startRetrying } from "@/lib/pictures/loader";

startFreshness();
startOutbox();
startRetrying();

const root = document.getElementById("root");
if (root) createRoot(root).render(<App />);

import { createRoot } from "react-dom/client";
import { App } from "@/app/App";
import "@/app/app.css";
import { startOutbox } from "@/lib/outbox";
import { retryWhenOnline } from "@/lib/pictures/loader";

startOutbox();
retryWhenOnline();

const root = document.getElementById("root");
if (root) createRoot(root).render(<App />);

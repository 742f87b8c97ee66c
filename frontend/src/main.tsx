import { createRoot } from "react-dom/client";
import { App } from "@/app/App";
import "@/app/app.css";
import { startOutbox } from "@/lib/outbox";

startOutbox();

const root = document.getElementById("root");
if (root) createRoot(root).render(<App />);

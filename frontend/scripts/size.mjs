// Fails when the JavaScript that the comparison page needs at first outgrows its budget.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const BUDGET_BYTES = 150_000;
const PAGES = ["src/features/compare/ComparePage.tsx", "src/features/landing/LandingPage.tsx", "src/features/compare/OwnEyePage.tsx", "src/features/me/MePage.tsx", "src/features/predict/PredictPage.tsx"];
const dist = new URL("../dist/", import.meta.url);

function readManifest() {
  try {
    return JSON.parse(readFileSync(new URL(".vite/manifest.json", dist), "utf8"));
  } catch {
    console.error("dist/.vite/manifest.json is missing: run `npm run build` first");
    process.exit(2);
  }
}

const manifest = readManifest();

function closure(keys, seen = new Set()) {
  for (const key of keys) {
    if (seen.has(key)) continue;
    seen.add(key);
    closure(manifest[key].imports ?? [], seen);
  }
  return seen;
}

let failed = false;
for (const page of PAGES) {
  if (!manifest[page]) {
    console.error(`${page} is not an entry of the build: scripts/size.mjs must name the page that /label loads`);
    process.exit(2);
  }
  const files = [...closure(["index.html", page])].map((key) => manifest[key].file).filter((file) => file.endsWith(".js"));
  const bytes = [...files, "../public/theme.js"].reduce((sum, file) => sum + gzipSync(readFileSync(new URL(file, dist)), { level: 9 }).length, 0);
  const isOver = bytes > BUDGET_BYTES;
  failed ||= isOver;
  console.log(`${page}: ${(bytes / 1000).toFixed(1)} kB gzip of JavaScript in ${files.length} files, budget ${BUDGET_BYTES / 1000} kB${isOver ? "  TOO LARGE" : ""}`);
}
process.exit(failed ? 1 : 0);

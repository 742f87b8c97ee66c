// Writes dist/sw.js: the service worker (worker/worker.ts) with the list of the files of this build.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import ts from "typescript";

const dist = new URL("../dist/", import.meta.url);
const source = readFileSync(new URL("../worker/worker.ts", import.meta.url), "utf8");
const document = readFileSync(new URL("index.html", dist), "utf8");
const entry = document.match(/<script[^>]+src="(\/assets\/[^"]+\.js)"/)?.[1];
if (!entry) {
  console.error("dist/index.html has no entry script");
  process.exit(2);
}

// The icons (PNG) are the browser's business, and large.
const names = readdirSync(dist, { recursive: true })
  .map((name) => name.split("\\").join("/"))
  .filter((name) => statSync(new URL(name, dist)).isFile() && !name.startsWith(".vite/") && !["index.html", "sw.js"].includes(name) && !/\.(gz|br|png)$/.test(name))
  .sort();
const hash = createHash("sha256").update(source).update(document);
for (const name of names) hash.update(name).update(readFileSync(new URL(name, dist)));

const { outputText } = ts.transpileModule(source, { compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.None, removeComments: true } });
const constants = { BUILD: hash.digest("hex").slice(0, 12), ENTRY: entry, FILES: names.map((name) => `/${name}`) };
const declared = Object.entries(constants).map(([name, value]) => `const ${name} = ${JSON.stringify(value)};`);
writeFileSync(new URL("sw.js", dist), `${declared.join("\n")}\n${outputText}`);

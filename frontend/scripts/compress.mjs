// Writes a .gz and a .br beside every text file of the build; the web server sends them to browsers that take them.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const TEXT = /\.(js|css|svg|json|webmanifest)$/;
const WORTH_IT_BYTES = 500;
const dist = new URL("../dist/", import.meta.url);

for (const name of readdirSync(dist, { recursive: true })) {
  if (!TEXT.test(name) || name.startsWith(".vite")) continue;
  const file = new URL(name.split("\\").join("/"), dist);
  const content = readFileSync(file);
  if (content.length < WORTH_IT_BYTES) continue;
  writeFileSync(new URL(`${file.href}.gz`), gzipSync(content, { level: 9 }));
  writeFileSync(new URL(`${file.href}.br`), brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }));
}

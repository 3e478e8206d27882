// Builds the page into src/fewscape/serve/page, or checks with --check that it is built already.
import { build } from "esbuild";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const target = join(here, "..", "src", "fewscape", "serve", "page");

async function buildInto(folder) {
  mkdirSync(folder, { recursive: true });
  const result = await build({
    absWorkingDir: here,
    entryPoints: { page: "src/main.ts", style: "src/style.css" },
    outdir: folder,
    bundle: true,
    minify: true,
    format: "esm",
    target: ["es2022"],
    charset: "utf8",
    legalComments: "none",
    metafile: true,
    logLevel: "warning",
  });
  writeFileSync(join(folder, "index.html"), readFileSync(join(here, "src", "index.html")));
  writeFileSync(join(folder, "licences.txt"), collectLicences(Object.keys(result.metafile.inputs)));
}

/** The licences of everything that is inside the bundle. */
function collectLicences(inputs) {
  const names = new Set();
  for (const input of inputs) {
    const found = /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input);
    if (found) names.add(found[1]);
  }
  const parts = [...names].sort().map((name) => {
    const folder = join(here, "node_modules", name);
    const about = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const file = readdirSync(folder).find((one) => /^licen[cs]e/i.test(one));
    const text = file ? readFileSync(join(folder, file), "utf8").trim() : "";
    return `${name} ${about.version} (${about.license})\n\n${text}\n`;
  });
  return parts.join("\n----------------------------------------\n\n");
}

function compare(built) {
  const names = new Set([...readdirSync(built), ...(existsSync(target) ? readdirSync(target) : [])]);
  return [...names].filter((name) => {
    const [one, other] = [join(built, name), join(target, name)];
    return !existsSync(one) || !existsSync(other) || !readFileSync(one).equals(readFileSync(other));
  });
}

if (process.argv.includes("--check")) {
  const folder = mkdtempSync(join(tmpdir(), "page-"));
  await buildInto(folder);
  const different = compare(folder);
  rmSync(folder, { recursive: true });
  if (different.length) {
    console.error(`the page is not what web/ builds: ${different.join(", ")}; run: npm run build`);
    process.exit(1);
  }
  console.log("the page is what web/ builds");
} else {
  rmSync(target, { recursive: true, force: true });
  await buildInto(target);
}

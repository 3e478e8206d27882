/** The map of the whole scene: started, watched, cancelled, gone on with, and taken home. */

import { api } from "./api";
import { byId, make, percent } from "./dom";
import type { Store } from "./store";
import type { Job } from "./types";

const FILES: [RegExp, string][] = [
  [/_classes\.tif$/, "Class map (GeoTIFF)"],
  [/_prob\.tif$/, "Probability (GeoTIFF)"],
  [/^examples\.gpkg$/, "Examples (GeoPackage)"],
  [/\.gpkg$/, "Polygons (GeoPackage)"],
  [/^report\.html$/, "Report (HTML)"],
  [/_preview\.png$/, "Preview (PNG)"],
  [/\.qml$/, "Style for QGIS"],
];

export function setUpExport(store: Store): () => void {
  const dialog = byId<HTMLDialogElement>("export-dialog");
  const button = byId<HTMLButtonElement>("export");
  const fill = () => {
    if (dialog.open) dialog.replaceChildren(...describe(store, dialog));
  };
  const open = () => {
    if (!dialog.open) dialog.showModal();
    fill();
    void showRecipe(store, dialog);
  };
  button.addEventListener("click", open);
  dialog.addEventListener("close", () => button.focus());
  store.on(["job", "accuracy"], () => {
    const recipe = dialog.querySelector("details");
    fill();
    if (recipe) dialog.querySelector("details")?.replaceWith(recipe);
  });
  store.on(["job", "drawn", "scene"], () => {
    const { job } = store;
    button.textContent =
      job?.state === "running" ? `Mapping … ${percent(job.done)}` : job?.state === "done" ? "Map and export…" : "Map the whole scene…";
    button.classList.toggle("working", job?.state === "running");
  });
  return open;
}

function describe(store: Store, dialog: HTMLDialogElement): HTMLElement[] {
  const { job } = store;
  const close = make("button", { className: job?.state === "done" ? "main" : "", text: "Close" });
  close.type = "button";
  close.addEventListener("click", () => dialog.close());
  const title = make("h2", { text: "Map the whole scene" });
  title.id = "export-title";
  const body = job ? describeJob(store, job) : [make("p", { text: "The examples as they are now map all of it, in the background. You can go on drawing." })];
  const begin = makeBegin(store);
  return [title, ...body, ...(begin ? [begin] : []), makeRecipe(), make("div", { className: "dialog-end" }, [close])];
}

function describeJob(store: Store, job: Job): HTMLElement[] {
  if (job.state === "running") {
    const bar = make("progress", { label: "Progress" });
    bar.max = 1;
    if (job.done) bar.value = job.done;
    const cancel = make("button", { text: "Cancel" });
    cancel.type = "button";
    cancel.addEventListener("click", () => void store.try(async () => void (await api.cancelJob(store.about.number))));
    const told = job.done ? `${percent(job.done)} is mapped, ${Math.round(job.seconds)} s so far.` : "Learning from the examples …";
    return [make("p", { text: told }), bar, make("div", { className: "row" }, [cancel])];
  }
  if (job.state === "done") {
    const rows = job.files
      .map((name) => ({ name, at: FILES.findIndex(([pattern]) => pattern.test(name)) }))
      .filter(({ at }) => at >= 0 && at < 6)
      .sort((one, other) => one.at - other.at)
      .map(({ name, at }) => {
        const link = make("a", { text: name });
        link.href = api.resultAddress(store.about.number, name);
        if (name === "report.html") link.target = "_blank";
        else link.download = name;
        return make("li", {}, [link, make("span", { className: "fine", text: FILES[at]![1] })]);
      });
    return [
      make("p", {}, ["The map is finished. It lies in ", make("code", { text: job.folder }), "."]),
      make("ul", { className: "files" }, rows),
    ];
  }
  const resume = make("button", { className: "main", text: "Go on" });
  resume.type = "button";
  resume.addEventListener("click", () => void startJob(store, true));
  if (job.state === "failed") {
    return [make("p", { className: "bad", text: "The map could not be made:" }), make("pre", { text: job.trouble })];
  }
  return [
    make("p", { text: `A map was begun, and ${percent(job.done)} of it is there. It can go on with the examples that it began with.` }),
    make("div", { className: "row" }, [resume]),
  ];
}

function makeBegin(store: Store): HTMLElement | null {
  if (store.job?.state === "running") return null;
  const isFirst = !store.job;
  const button = make("button", { className: isFirst ? "main" : "", text: isFirst ? "Start" : "Map again with the examples of now" });
  button.type = "button";
  button.id = "start-job";
  const hasExamples = store.state.learnt !== null || store.state.examples.length > 0;
  button.disabled = !hasExamples;
  button.addEventListener("click", () => void startJob(store, false));
  const sure = make("input");
  sure.type = "checkbox";
  sure.checked = store.threshold !== null;
  const share = make("input", { label: "Least probability" });
  share.type = "range";
  share.min = "30";
  share.max = "95";
  share.step = "5";
  share.value = String(Math.round((store.threshold ?? 0.5) * 100));
  share.disabled = !sure.checked;
  const told = make("output");
  const set = () => {
    share.disabled = !sure.checked;
    told.textContent = sure.checked ? `${share.value} %` : "";
    store.show({ threshold: sure.checked ? Number(share.value) / 100 : null });
  };
  sure.addEventListener("change", set);
  share.addEventListener("input", set);
  told.textContent = sure.checked ? `${share.value} %` : "";
  const only = make("label", { className: "switch" }, [sure, make("span", { text: "Only where the map is surer than" })]);
  return make("div", { className: "begin" }, [make("div", { className: "row" }, [only, share, told]), make("div", { className: "row" }, [button])]);
}

async function startJob(store: Store, resume: boolean): Promise<void> {
  await store.try(async () => {
    store.job = await api.startJob(store.about.number, store.threshold, resume);
    store.tell("job");
  });
}

function makeRecipe(): HTMLElement {
  const details = make("details", {}, [make("summary", { text: "The same on the command line and in Python" })]);
  details.append(make("pre", { className: "recipe" }));
  return details;
}

async function showRecipe(store: Store, dialog: HTMLDialogElement): Promise<void> {
  await store.try(async () => {
    const { command, python } = await api.recipe(store.about.number);
    const target = dialog.querySelector(".recipe");
    if (target) target.textContent = `${command}\n\n${python}`;
  });
}

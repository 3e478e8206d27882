/** Puts the page together. */

import { api } from "./api";
import { setUpBands, setUpInstead, setUpWhy } from "./cards";
import { addClass, setUpClasses } from "./classes_panel";
import { byId, make } from "./dom";
import { setUpExamples } from "./examples_panel";
import { setUpExport } from "./export_dialog";
import { setUpKeys } from "./keys";
import { MapLayer } from "./map_layer";
import { setUpNotices } from "./notices";
import { setUpQuality } from "./quality_panel";
import { SceneMap } from "./scene_map";
import { ShapesLayer } from "./shapes_layer";
import { Store, type Tool } from "./store";
import { Tools } from "./tools";
import type { Accuracy, DrawnState, Job, PaintedPlace } from "./types";
import { setUpViewBar } from "./view_bar";

const store = new Store();

async function begin(): Promise<void> {
  setUpTheme();
  setUpNotices(store);
  const about = await api.session();
  store.scenes = about.scenes;
  store.isReady = about.ready;
  store.model = about.model;
  const scene = new SceneMap(store, byId("map"));
  const mapLayer = new MapLayer(store);
  const shapes = new ShapesLayer(store);
  scene.map.addLayer(mapLayer.layer);
  scene.map.addLayer(shapes.layer);
  scene.map.addLayer(shapes.placesLayer);
  const tools = new Tools(store, scene, shapes, {
    instead: setUpInstead(store),
    why: setUpWhy(store, scene, shapes),
    classAt: (col, row) => mapLayer.classAt(col, row),
    className: askForClass,
  });
  setUpClasses(store);
  setUpExamples(store, scene, shapes);
  setUpQuality(store, scene, shapes);
  setUpViewBar(store, scene);
  setUpBands(store);
  setUpExport(store);
  setUpKeys(store, scene, tools);
  setUpToolbar();
  setUpStart();
  setUpScenes();
  await store.open(0);
  listen(mapLayer, scene);
}

function listen(mapLayer: MapLayer, scene: SceneMap): void {
  const events = api.events();
  let isFirst = true;
  const on = <T>(kind: string, act: (told: T & { scene: number }) => void) =>
    events.addEventListener(kind, (event) => {
      const told = JSON.parse((event as MessageEvent<string>).data) as T & { scene: number };
      act(told);
    });
  const isShown = (told: { scene: number }) => told.scene === store.about.number;
  on<{ ready: boolean }>("hello", (told) => {
    store.isReady = told.ready;
    store.setConnected(true);
    if (!isFirst) void store.try(() => store.refresh());
    isFirst = false;
    if (told.ready) void becomeReady();
  });
  events.addEventListener("error", () => store.setConnected(false));
  const becomeReady = async () => {
    store.isReady = true;
    const fresh = await api.scene(store.about.number);
    if (fresh.side) mapLayer.setSide(fresh.side);
    store.state = { ...store.state, side: fresh.side };
    store.tell("status");
    scene.askForView();
  };
  on("ready", () => void store.try(becomeReady));
  on<DrawnState>("drawn", (told) => isShown(told) && store.take(told));
  on<{ revision: number | null; channels: string[] }>("learnt", (told) => {
    if (!isShown(told)) return;
    store.state = { ...store.state, learnt: told.revision, channels: told.channels };
    if (told.revision === null) mapLayer.clear();
    store.tell("accuracy", "status");
  });
  on<PaintedPlace>("painted", (told) => isShown(told) && mapLayer.arrived(told));
  on<{ accuracy: Accuracy | null }>("accuracy", (told) => isShown(told) && store.takeAccuracy(told.accuracy));
  on<{ done: number; total: number }>("progress", (told) => {
    if (!isShown(told)) return;
    store.progress = told;
    store.tell("status");
  });
  on<{ sentence: string }>("trouble", (told) => {
    if (!isShown(told)) return;
    store.state = { ...store.state, trouble: told.sentence };
    store.tell("status");
  });
  on<Job>("job", (told) => {
    if (!isShown(told)) return;
    const was = store.job?.state;
    store.job = told;
    store.tell("job");
    if (was === "running" && told.state === "done") store.notify("The map of the whole scene is finished.", "good");
  });
}

function setUpToolbar(): void {
  const toolbar = byId("tools");
  const buttons = [...toolbar.querySelectorAll<HTMLButtonElement>("[data-tool]")];
  const options = byId("options");
  const brush = byId<HTMLInputElement>("brush");
  for (const button of buttons) {
    button.addEventListener("click", () => store.choose({ tool: button.dataset["tool"] as Tool }));
  }
  toolbar.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const at = buttons.indexOf(document.activeElement as HTMLButtonElement);
    if (!step || at < 0) return;
    buttons[(at + step + buttons.length) % buttons.length]!.focus();
    event.preventDefault();
  });
  brush.addEventListener("input", () => store.choose({ brush: Number(brush.value) }));
  store.on(["choice", "scene"], () => {
    for (const button of buttons) {
      const isCurrent = button.dataset["tool"] === store.tool;
      button.setAttribute("aria-pressed", String(isCurrent));
      button.tabIndex = isCurrent ? 0 : -1;
    }
    options.hidden = !["brush", "not", "object"].includes(store.tool);
    byId("brush-label").textContent = store.tool === "object" ? "Size" : "Brush";
    brush.value = String(store.brush);
    byId("brush-value").textContent = `${store.brush} px`;
  });
  const undo = byId<HTMLButtonElement>("undo");
  const redo = byId<HTMLButtonElement>("redo");
  undo.addEventListener("click", () => void store.step("undo"));
  redo.addEventListener("click", () => void store.step("redo"));
  store.on(["drawn", "scene"], () => {
    undo.disabled = !store.state.can_undo;
    redo.disabled = !store.state.can_redo;
  });
}

/** What somebody sees who has drawn nothing yet. */
function setUpStart(): void {
  const form = byId<HTMLFormElement>("start");
  const input = byId<HTMLInputElement>("start-name");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (addClass(store, input.value)) {
      form.hidden = true;
      store.choose({ tool: "polygon" });
      byId("map").focus();
    }
  });
  store.on(["scene", "drawn"], () => {
    const isNew = !store.state.classes.length && !store.state.examples.length && store.scenes.length === 1;
    if (!isNew) form.hidden = true;
    else if (form.hidden) {
      form.hidden = false;
      input.focus();
    }
  });
}

function askForClass(): void {
  const input = store.state.classes.length ? "class-name" : "start-name";
  store.notify("Name a class first.");
  byId(input).focus();
}

function setUpScenes(): void {
  const select = byId<HTMLSelectElement>("scene");
  for (const one of store.scenes) {
    const option = make("option", { text: one.name });
    option.value = String(one.number);
    select.append(option);
  }
  select.disabled = store.scenes.length < 2;
  select.addEventListener("change", () => void store.try(() => store.open(Number(select.value))));
  store.on(["scene"], () => {
    select.value = String(store.about.number);
    document.title = `${store.about.name} · fewscape`;
  });
}

function setUpTheme(): void {
  const root = document.documentElement;
  const kept = localStorage.getItem("fewscape-theme");
  const prefersDark = matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset["theme"] = kept ?? (prefersDark ? "dark" : "light");
  byId("theme").addEventListener("click", () => {
    root.dataset["theme"] = root.dataset["theme"] === "dark" ? "light" : "dark";
    localStorage.setItem("fewscape-theme", root.dataset["theme"]);
  });
}

begin().catch((error: unknown) => {
  const banner = byId("banner");
  banner.hidden = false;
  banner.textContent = `The page could not start: ${error instanceof Error ? error.message : String(error)}`;
});

/** Keyboard shortcuts, and the page that lists them. */

import { byId, make } from "./dom";
import type { Store, Tool } from "./store";
import { listNames } from "./classes_panel";
import { other } from "./view_bar";
import type { Tools } from "./tools";
import type { SceneMap } from "./scene_map";

const TOOLS: Record<string, Tool> = { v: "pan", p: "polygon", b: "brush", r: "object", o: "point", n: "not", e: "edit", w: "why" };

const HELP: [string, string][] = [
  ["V P B R O", "Move and select · polygon · brush · whole object · point"],
  ["N", "“Not this”: paint over what the map has wrong"],
  ["1 – 9", "Choose a class"],
  ["[ ]", "Smaller or larger brush or objects"],
  ["Double click", "Close a polygon; Backspace takes the last corner back"],
  ["Esc", "Give up what is being drawn, or leave the tool"],
  ["E", "Edit the selected example: drag corners, Alt+click removes one"],
  ["Delete", "Delete the selected example"],
  ["H", "Set the selected example aside, or let it teach again"],
  ["Ctrl+Z, Ctrl+Shift+Z", "Undo, redo"],
  ["M, X", "Map on or off, examples on or off"],
  ["F (hold)", "Flicker: hide the map while the key is down"],
  ["S", "Swipe: image left, map right"],
  ["W", "Why is the map like this here?"],
  ["D", "Where should I draw next?"],
  ["+ − 0", "Zoom in, out, whole scene"],
  ["?", "This page"],
];

export function setUpKeys(store: Store, scene: SceneMap, tools: Tools): void {
  const help = byId<HTMLDialogElement>("help-dialog");
  byId("help-list").replaceChildren(
    ...HELP.flatMap(([keys, what]) => [make("dt", {}, keys.split(" ").map((key) => (key.length > 2 && !/^[A-Z(]/.test(key) ? ` ${key} ` : make("kbd", { text: key })))), make("dd", { text: what })]),
  );
  byId("help").addEventListener("click", () => help.showModal());
  let flicker = false;
  document.addEventListener("keydown", (event) => {
    if (isTyping(event.target) || document.querySelector("dialog[open]")) return;
    if (event.key.toLowerCase() === "f" && !event.repeat && !event.ctrlKey && !event.metaKey && store.isMapShown) {
      flicker = true;
      store.show({ isMapShown: false });
      return;
    }
    if (press(event, store, scene, tools, help)) event.preventDefault();
  });
  document.addEventListener("keyup", (event) => {
    if (flicker && event.key.toLowerCase() === "f") {
      flicker = false;
      store.show({ isMapShown: true });
    }
  });
}

/** Whether the key meant something. */
function press(event: KeyboardEvent, store: Store, scene: SceneMap, tools: Tools, help: HTMLDialogElement): boolean {
  const key = event.key.toLowerCase();
  if (event.ctrlKey || event.metaKey) {
    if (key !== "z" && key !== "y") return false;
    void store.step(key === "y" || event.shiftKey ? "redo" : "undo");
    return true;
  }
  if (event.altKey) return false;
  const tool = TOOLS[key];
  if (tool) return done(() => store.choose({ tool }));
  if (/^[1-9]$/.test(key)) {
    const name = listNames(store)[Number(key) - 1];
    return name ? done(() => store.choose({ activeClass: name })) : false;
  }
  switch (key) {
    case "?": return done(() => help.showModal());
    case "m": return done(() => store.show({ isMapShown: !store.isMapShown }));
    case "x": return done(() => store.show({ areExamplesShown: !store.areExamplesShown }));
    case "s": return done(() => store.show({ compare: other(store.compare) }));
    case "d": return done(() => byId("next").click());
    case "0": return done(() => scene.fit());
    case "+": case "=": return done(() => scene.zoomBy(1));
    case "-": return done(() => scene.zoomBy(-1));
    case "[": return done(() => store.choose({ brush: Math.max(4, store.brush - 4) }));
    case "]": return done(() => store.choose({ brush: Math.min(80, store.brush + 4) }));
    case "escape": return done(() => tools.abort() || store.choose({ tool: "pan", selected: null }));
    case "backspace": case "delete": return tools.removeCorner() || removeSelected(store);
    case "h": return hideSelected(store);
    default: return false;
  }
}

function done(action: () => unknown): true {
  action();
  return true;
}

function removeSelected(store: Store): boolean {
  const { example } = store;
  if (!example) return false;
  store.change({ do: "delete", id: example.id, based_on: example.properties.version });
  return true;
}

function hideSelected(store: Store): boolean {
  const { example } = store;
  if (!example) return false;
  const { hidden, version } = example.properties;
  store.change({ do: "put", example: { id: example.id, hidden: !hidden }, based_on: version });
  return true;
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target instanceof HTMLSelectElement || (target instanceof HTMLInputElement && !["range", "checkbox", "radio", "color"].includes(target.type));
}

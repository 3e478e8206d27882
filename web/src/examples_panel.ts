/** The list of examples: what each is worth, and what can be done with it. */

import { api } from "./api";
import { byId, icon, iconButton, make, percent, swatch } from "./dom";
import type { SceneMap } from "./scene_map";
import type { ShapesLayer } from "./shapes_layer";
import type { Store } from "./store";
import type { ExampleFeature } from "./types";
import { RESERVED } from "./types";
import { listNames, tellName } from "./classes_panel";

const TOOL_ICONS: Record<string, string> = { polygon: "polygon", brush: "brush", object: "object", point: "point", not: "not", import: "file" };
const TOOL_NAMES: Record<string, string> = { polygon: "polygon", brush: "stroke", object: "whole object", point: "point", not: "correction", import: "from a file" };
/** Rows shown; more would slow the page down. */
const MOST = 300;

export function setUpExamples(store: Store, scene: SceneMap, shapes: ShapesLayer): void {
  const list = byId("examples");
  const count = byId("examples-count");
  const file = byId<HTMLInputElement>("file");
  const download = byId<HTMLAnchorElement>("download");
  for (const id of ["import", "start-import"]) byId(id).addEventListener("click", () => file.click());
  file.addEventListener("change", () => void takeOver(store, file));
  store.on(["scene"], () => (download.href = api.examplesAddress(store.about.number)));
  store.on(["scene", "drawn", "choice", "accuracy"], () => {
    const { examples } = store.state;
    count.textContent = examples.length ? String(examples.length) : "";
    const top = list.scrollTop;
    const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset["key"] : undefined;
    const rows = examples.slice(-MOST).reverse().map((one) => makeRow(store, scene, shapes, one));
    if (!rows.length) rows.push(make("li", { className: "empty", text: "Nothing drawn yet. Choose a class and a tool, and draw on the image." }));
    list.replaceChildren(...rows);
    list.scrollTop = top;
    if (focused) list.querySelector<HTMLElement>(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  });
  let last: string | null = null;
  store.on(["choice"], () => {
    if (store.selected && store.selected !== last) list.querySelector(".selected")?.scrollIntoView({ block: "nearest" });
    last = store.selected;
  });
}

export async function takeOver(store: Store, input: HTMLInputElement): Promise<void> {
  const chosen = input.files?.[0];
  input.value = "";
  if (!chosen) return;
  const before = store.state.examples.length;
  await store.try(async () => {
    store.take(await api.takeOver(store.about.number, chosen));
    const added = store.state.examples.length - before;
    store.notify(added ? `${added} examples were added from ${chosen.name}.` : `Everything in ${chosen.name} is there already.`, "good");
  });
}

function makeRow(store: Store, scene: SceneMap, shapes: ShapesLayer, example: ExampleFeature): HTMLElement {
  const { class: name, tool, hidden, version, pixels } = example.properties;
  const isSelected = store.selected === example.id;
  const row = make("li", { className: `example-row${isSelected ? " selected" : ""}${hidden ? " aside" : ""}` });
  const size = pixels ? `${Math.round(pixels).toLocaleString("en")} px` : "point";
  const choose = make("button", { className: "example-name" }, [
    swatch(store.colourOf(name)),
    icon(TOOL_ICONS[tool] ?? "polygon"),
    make("span", { text: tellName(name) }),
    make("span", { className: "fine", text: size }),
  ]);
  choose.type = "button";
  choose.dataset["key"] = `example-${example.id}`;
  choose.title = `${tellName(name)}, ${TOOL_NAMES[tool] ?? tool}, ${size}`;
  choose.setAttribute("aria-pressed", String(isSelected));
  const go = () => zoomTo(store, scene, shapes, example.id);
  choose.addEventListener("click", () => store.choose({ selected: isSelected ? null : example.id }));
  choose.addEventListener("dblclick", go);
  row.append(choose);
  const worth = hidden ? null : makeWorth(store, example.id);
  if (worth) row.append(worth);
  row.append(
    iconButton("zoom", `Zoom to this example of ${name}`, go),
    iconButton(hidden ? "hidden" : "eye", hidden ? `Let this example of ${name} teach again` : `Set this example of ${name} aside`, () =>
      store.change({ do: "put", example: { id: example.id, hidden: !hidden }, based_on: version }),
    ),
    iconButton("trash", `Delete this example of ${name}`, () => store.change({ do: "delete", id: example.id, based_on: version })),
  );
  if (isSelected) row.append(makeClassChoice(store, example));
  return row;
}

/** What the others would make of this one: how much it adds. */
function makeWorth(store: Store, id: string): HTMLElement | null {
  const agreement = store.state.accuracy?.agreement[id];
  if (agreement === undefined) return null;
  const kind = agreement >= 0.85 ? "known" : agreement >= 0.4 ? "adds" : "new";
  const told = {
    known: "The others teach the same.",
    adds: "It adds something.",
    new: "It shows something new, or it is drawn wrongly: look at it.",
  }[kind];
  const sentence = `Without it, the other examples would map ${percent(agreement)} of it right. ${told}`;
  const badge = make("span", { className: `worth ${kind}`, text: percent(agreement), title: sentence, label: sentence });
  badge.setAttribute("role", "img");
  return badge;
}

function makeClassChoice(store: Store, example: ExampleFeature): HTMLElement {
  const select = make("select", { label: "Class of this example" });
  select.dataset["key"] = `choice-${example.id}`;
  const names = [...new Set([...listNames(store), example.properties.class, ...RESERVED.slice(2)])];
  for (const name of names) {
    const option = make("option", { text: tellName(name) });
    option.value = name;
    option.selected = name === example.properties.class;
    select.append(option);
  }
  select.addEventListener("change", () =>
    store.change({ do: "put", example: { id: example.id, class: select.value }, based_on: example.properties.version }),
  );
  return make("div", { className: "class-choice" }, [select]);
}

export function zoomTo(store: Store, scene: SceneMap, shapes: ShapesLayer, id: string): void {
  const extent = shapes.find(id)?.getGeometry()?.getExtent();
  if (!extent) return;
  store.choose({ selected: id });
  scene.view.fit(extent, { padding: [120, 120, 120, 120], minResolution: 0.5, duration: 300 });
}

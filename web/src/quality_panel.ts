/** How good the map is, as far as the examples tell, and where one more would help most. */

import { api } from "./api";
import { byId, make, percent } from "./dom";
import type { SceneMap } from "./scene_map";
import type { ShapesLayer } from "./shapes_layer";
import type { Store } from "./store";
import type { NextPlace, Score } from "./types";
import { tellName } from "./classes_panel";

export function setUpQuality(store: Store, scene: SceneMap, shapes: ShapesLayer): void {
  const quality = byId("quality");
  const next = byId<HTMLButtonElement>("next");
  const list = byId("next-list");
  store.on(["scene", "drawn", "accuracy", "status"], () => {
    quality.replaceChildren(...describe(store));
    next.disabled = store.state.learnt === null;
  });
  store.on(["scene"], () => clear());
  const clear = () => {
    list.replaceChildren();
    byId("next-told").textContent = "";
    shapes.showPlaces([]);
  };
  next.addEventListener("click", () =>
    void store.try(async () => {
      const places = await api.places(store.about.number);
      shapes.showPlaces(places);
      if (!places.length) {
        clear();
        store.notify("The map of the view is not ready yet; ask again in a moment.");
        return;
      }
      list.replaceChildren(...places.map((place, number) => makePlace(scene, place, number)));
      byId("next-told").textContent = "Marked on the map: ground where one more example helps most.";
      fitPlaces(scene, places);
    }),
  );
  let count = -1;
  store.on(["drawn"], () => {
    // A new example answers the question; the places are asked for anew.
    if (count >= 0 && store.state.examples.length !== count) clear();
    count = store.state.examples.length;
  });
}

function describe(store: Store): HTMLElement[] {
  const { accuracy } = store.state;
  const hint = findHint(store);
  const shown: HTMLElement[] = [];
  if (accuracy?.mean) shown.push(makeBar("Overall", accuracy.mean, "overall"));
  for (const one of accuracy?.classes ?? []) {
    if (one.iou) shown.push(makeBar(tellName(one.name), one.iou, ""));
  }
  if (accuracy?.confused && (accuracy.mean?.value ?? 1) < 0.9) {
    const [one, other] = accuracy.confused.map(tellName) as [string, string];
    shown.push(make("p", { className: "fine", text: `Most mistaken for each other: ${one} and ${other}.` }));
  }
  if (hint) shown.push(make("p", { className: "hint", text: hint }));
  return shown;
}

/** The next step of somebody who has not drawn much. */
function findHint(store: Store): string {
  const counts = new Map<string, number>();
  for (const one of store.state.examples) {
    if (!one.properties.hidden) counts.set(one.properties.class, (counts.get(one.properties.class) ?? 0) + 1);
  }
  const drawn = store.mapped.filter((one) => counts.has(one.name));
  if (!drawn.length) return "It is estimated from your examples, as soon as there are two of a class.";
  const others = [...counts.keys()].length;
  if (others === 1) {
    return `Only “${drawn[0]!.name}” is drawn so far. A second class, or some ground that is none of it, makes the map much better.`;
  }
  const single = [...counts].filter(([, count]) => count === 1).map(([name]) => tellName(name));
  if (single.length) return `Draw a second example of ${single.slice(0, 3).join(", ")}: then its accuracy can be estimated.`;
  if (!store.state.accuracy) return "Estimating …";
  return "";
}

function makeBar(name: string, score: Score, className: string): HTMLElement {
  const bar = make("div", { className: "bar" });
  const fill = make("span", { className: "fill" });
  fill.style.width = `${score.value * 100}%`;
  const range = make("span", { className: "range" });
  range.style.left = `${score.low * 100}%`;
  range.style.width = `${(score.high - score.low) * 100}%`;
  bar.append(fill, range);
  const told = `Expected overlap of map and truth (IoU): ${percent(score.value)}, probably between ${percent(score.low)} and ${percent(score.high)}. Estimated from the examples.`;
  const row = make("div", { className: `quality-row ${className}`, title: told }, [
    make("span", { className: "quality-name", text: name }),
    bar,
    make("span", { className: "quality-value", text: percent(score.value) }),
  ]);
  row.append(make("span", { className: "sr", text: told }));
  return row;
}

function makePlace(scene: SceneMap, place: NextPlace, number: number): HTMLElement {
  const why = tellWhy(place);
  const go = make("button", { className: "place-number", text: String(number + 1), title: why, label: `Place ${number + 1}: ${why}` });
  go.type = "button";
  go.addEventListener("click", () => {
    byId("next-told").textContent = `${number + 1}: ${why}. Draw what you see there.`;
    scene.goTo(place.col, place.row, 0.5);
  });
  return make("li", {}, [go]);
}

function tellWhy(place: NextPlace): string {
  const isNew = place.novelty > 0.7;
  const isUnsure = place.unsure > 0.3;
  if (isNew && isUnsure) return "the map is unsure, and nothing drawn is like it";
  if (isNew) return "nothing drawn is like it";
  return isUnsure ? "the map is unsure" : "it would settle most";
}

function fitPlaces(scene: SceneMap, places: NextPlace[]): void {
  const extent = scene.view.calculateExtent(scene.map.getSize());
  const isSeen = (place: NextPlace) =>
    place.col >= extent[0]! && place.col <= extent[2]! && -place.row >= extent[1]! && -place.row <= extent[3]!;
  if (!places.some(isSeen)) scene.goTo(places[0]!.col, places[0]!.row);
}

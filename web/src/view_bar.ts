/** How the map is shown over the image, and what is under the pointer. */

import { byId, make } from "./dom";
import { SceneMap } from "./scene_map";
import type { Compare, MapMode, Store } from "./store";

export function setUpViewBar(store: Store, scene: SceneMap): void {
  const shown = byId<HTMLInputElement>("map-shown");
  const examples = byId<HTMLInputElement>("examples-shown");
  const opacity = byId<HTMLInputElement>("opacity");
  const swipe = byId<HTMLButtonElement>("swipe-toggle");
  const modes = document.querySelectorAll<HTMLButtonElement>("[data-mode]");
  shown.addEventListener("change", () => store.show({ isMapShown: shown.checked }));
  examples.addEventListener("change", () => store.show({ areExamplesShown: examples.checked }));
  opacity.addEventListener("input", () => store.show({ opacity: Number(opacity.value) / 100, isMapShown: true }));
  swipe.addEventListener("click", () => store.show({ compare: other(store.compare) }));
  for (const one of modes) {
    one.addEventListener("click", () => store.show({ mode: one.dataset["mode"] as MapMode }));
  }
  byId("zoom-in").addEventListener("click", () => scene.zoomBy(1));
  byId("zoom-out").addEventListener("click", () => scene.zoomBy(-1));
  byId("fit").addEventListener("click", () => scene.fit());
  store.on(["view", "scene"], () => {
    shown.checked = store.isMapShown;
    examples.checked = store.areExamplesShown;
    opacity.value = String(Math.round(store.opacity * 100));
    swipe.setAttribute("aria-pressed", String(store.compare === "swipe"));
    for (const one of modes) one.setAttribute("aria-pressed", String(one.dataset["mode"] === store.mode));
  });
  setUpSwipe(store);
  setUpPlace(store, scene);
}

export function other(compare: Compare): Compare {
  return compare === "swipe" ? "blend" : "swipe";
}

function setUpSwipe(store: Store): void {
  const handle = byId("swipe");
  const stage = handle.parentElement!;
  const move = (share: number) => store.show({ swipe: Math.max(0.02, Math.min(0.98, share)) });
  handle.addEventListener("pointerdown", (event) => {
    handle.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  handle.addEventListener("pointermove", (event) => {
    if (!handle.hasPointerCapture(event.pointerId)) return;
    const box = stage.getBoundingClientRect();
    move((event.clientX - box.left) / box.width);
  });
  handle.addEventListener("keydown", (event) => {
    if (event.key === "ArrowLeft") move(store.swipe - 0.02);
    else if (event.key === "ArrowRight") move(store.swipe + 0.02);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  store.on(["view", "scene"], () => {
    handle.hidden = store.compare !== "swipe";
    handle.style.left = `${store.swipe * 100}%`;
    handle.setAttribute("aria-valuenow", String(Math.round(store.swipe * 100)));
  });
}

function setUpPlace(store: Store, scene: SceneMap): void {
  const place = byId("place");
  const scale = byId("scale-bar");
  scene.map.on("pointermove", (event) => {
    const [col, row] = SceneMap.toPixel(event.coordinate);
    place.textContent = tellPlace(store, col, row);
  });
  scene.map.on("moveend", () => scale.replaceChildren(...makeScale(store, scene)));
}

function tellPlace(store: Store, col: number, row: number): string {
  const { transform, crs, width, height } = store.about;
  if (col < 0 || row < 0 || col >= width || row >= height) return "";
  if (!transform) return `column ${Math.floor(col)}, row ${Math.floor(row)}`;
  const [a, b, c, d, e, f] = transform as [number, number, number, number, number, number];
  const x = a * col + b * row + c;
  const y = d * col + e * row + f;
  const digits = Math.abs(a) < 0.01 ? 5 : 1;
  return `${x.toFixed(digits)}, ${y.toFixed(digits)} ${crs ?? ""}`;
}

/** A bar of a round length: metres where they are known, pixels else. */
function makeScale(store: Store, scene: SceneMap): HTMLElement[] {
  const resolution = scene.view.getResolution();
  if (!resolution) return [];
  const unit = (store.about.metres ?? 1) * resolution;
  const most = unit * 110;
  const power = 10 ** Math.floor(Math.log10(most));
  const length = [5, 2, 1].map((one) => one * power).find((one) => one <= most) ?? power;
  const bar = make("span", { className: "scale-line" });
  bar.style.width = `${length / unit}px`;
  const far = store.about.metres !== null && length >= 1000;
  const text = store.about.metres === null ? `${length} px` : far ? `${length / 1000} km` : `${length} m`;
  return [bar, make("span", { text })];
}

/** The map over the scene: parts arrive as probabilities and are painted here, so that threshold,
 * colours and opacity follow at once. */

import Layer from "ol/layer/Layer";
import type { FrameState } from "ol/Map";
import { getTopLeft } from "ol/extent";
import { Silence, api, type Painted } from "./api";
import type { Store } from "./store";
import type { PaintedPlace } from "./types";
import { BACKGROUND } from "./types";

interface Part {
  place: PaintedPlace;
  painted: Painted;
  canvas: HTMLCanvasElement;
  /** How it was painted; another look is painted anew. */
  look: string;
}

/** Parts kept in the page. */
const MOST = 300;
/** Requests at a time. */
const AT_ONCE = 3;
type Colour = [number, number, number];

export class MapLayer {
  readonly layer: Layer;
  private parts = new Map<string, Part>();
  private wanted = new Map<string, PaintedPlace>();
  private loading = new Map<string, AbortController>();
  private readonly canvas = document.createElement("canvas");
  private side = 512;
  private scene = -1;

  constructor(private readonly store: Store) {
    this.canvas.className = "layer-map";
    this.canvas.style.position = "absolute";
    this.layer = new Layer({ className: "layer-map-box", render: (frame) => this.render(frame) });
    store.on(["scene"], () => this.openScene());
    store.on(["view", "drawn", "choice"], () => this.layer.changed());
    store.on(["drawn"], () => this.forgetIfEmpty());
  }

  /** A part of the map is ready on the server. */
  arrived(place: PaintedPlace): void {
    const key = `${place.row}/${place.col}`;
    const known = this.parts.get(key)?.place;
    const isBetter = known && (known.step > place.step || (known.draft && !place.draft));
    if (known && known.revision === place.revision && !isBetter) return;
    this.wanted.set(key, place);
    this.loadNext();
  }

  clear(): void {
    for (const controller of this.loading.values()) controller.abort();
    this.parts.clear();
    this.wanted.clear();
    this.loading.clear();
    this.layer.changed();
  }

  /** The class of the map at a place, and its probability. */
  classAt(col: number, row: number): { name: string; share: number } | null {
    const part = this.parts.get(`${Math.floor(row / this.side)}/${Math.floor(col / this.side)}`);
    if (!part) return null;
    const { rows, cols, shares, names } = part.painted;
    const y = Math.min(rows - 1, Math.floor(((row % this.side) / this.side) * rows));
    const x = Math.min(cols - 1, Math.floor(((col % this.side) / this.side) * cols));
    const found = this.decide(shares, rows * cols, y * cols + x, names);
    return found < 0 ? null : { name: names[found]!, share: shares[found * rows * cols + y * cols + x]! / 255 };
  }

  private openScene(): void {
    this.clear();
    this.scene = this.store.about.number;
    this.side = this.store.state.side ?? 512;
    for (const place of this.store.state.painted) this.arrived(place);
  }

  setSide(side: number): void {
    this.side = side;
  }

  private forgetIfEmpty(): void {
    const hasExamples = this.store.state.examples.some((one) => !one.properties.hidden);
    const isOwn = this.store.scenes.length < 2;
    if (!hasExamples && isOwn && this.parts.size) this.clear();
  }

  private loadNext(): void {
    for (const [key, place] of this.wanted) {
      if (this.loading.size >= AT_ONCE) return;
      if (this.loading.has(key)) continue;
      this.wanted.delete(key);
      void this.load(key, place);
    }
  }

  private async load(key: string, place: PaintedPlace): Promise<void> {
    const controller = new AbortController();
    this.loading.set(key, controller);
    const scene = this.scene;
    try {
      const painted = await api.painted(scene, place, controller.signal);
      if (painted && scene === this.scene && !controller.signal.aborted) {
        const canvas = document.createElement("canvas");
        this.parts.delete(key);
        this.parts.set(key, { place, painted, canvas, look: "" });
        for (const oldest of this.parts.keys()) {
          if (this.parts.size <= MOST) break;
          this.parts.delete(oldest);
        }
        this.layer.changed();
      }
    } catch (error) {
      if (error instanceof Silence && !controller.signal.aborted) this.store.setConnected(false);
    } finally {
      if (this.loading.get(key) === controller) this.loading.delete(key);
      this.loadNext();
    }
  }

  private render(frame: FrameState): HTMLElement {
    const ratio = frame.pixelRatio;
    const [width, height] = frame.size as [number, number];
    const { canvas } = this;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
      canvas.style.width = `${width}px`;
      canvas.style.height = `${height}px`;
    }
    const context = canvas.getContext("2d")!;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    canvas.style.opacity = String(this.store.compare === "swipe" ? Math.max(0.9, this.store.opacity) : this.store.opacity);
    canvas.style.visibility = this.store.isMapShown ? "visible" : "hidden";
    if (!this.store.isMapShown || !frame.extent) return canvas;
    const [left, top] = getTopLeft(frame.extent) as [number, number];
    const scale = ratio / frame.viewState.resolution;
    context.save();
    this.clip(context);
    context.imageSmoothingEnabled = scale < 0.5;
    const look = this.describeLook();
    for (const part of this.parts.values()) {
      const x = (part.place.col * this.side - left) * scale;
      const y = (part.place.row * this.side + top) * scale;
      const size = this.side * scale;
      if (x > canvas.width || y > canvas.height || x + size < 0 || y + size < 0) continue;
      if (part.look !== look) this.paint(part, look);
      // Whole pixels, so that no line shows between two parts.
      const [x0, y0, x1, y1] = [x, y, x + size, y + size].map(Math.round) as [number, number, number, number];
      context.drawImage(part.canvas, x0, y0, x1 - x0, y1 - y0);
    }
    context.restore();
    return canvas;
  }

  private clip(context: CanvasRenderingContext2D): void {
    if (this.store.compare !== "swipe") return;
    const from = this.store.swipe * context.canvas.width;
    context.beginPath();
    context.rect(from, 0, context.canvas.width - from, context.canvas.height);
    context.clip();
  }

  private describeLook(): string {
    const { mode, threshold, activeClass, state } = this.store;
    const colours = state.classes.map((one) => `${one.name}=${one.colour}`).join(";");
    return `${mode}|${threshold}|${mode === "probability" ? activeClass : ""}|${colours}`;
  }

  private paint(part: Part, look: string): void {
    const { rows, cols, shares, names } = part.painted;
    const size = rows * cols;
    part.canvas.width = cols;
    part.canvas.height = rows;
    const context = part.canvas.getContext("2d")!;
    const image = context.createImageData(cols, rows);
    const pixels = image.data;
    const colours = names.map((name) => parseColour(this.store.colourOf(name)));
    const probability = this.store.mode === "probability";
    const shown = names.indexOf(this.store.activeClass);
    for (let at = 0; at < size; at++) {
      let found = shown;
      let strength = 255;
      if (probability) {
        if (shown < 0) continue;
        strength = shares[shown * size + at]!;
      } else {
        found = this.decide(shares, size, at, names);
        if (found < 0 || names[found] === BACKGROUND) continue;
      }
      const [red, green, blue] = colours[found]!;
      pixels.set([red, green, blue, strength], at * 4);
    }
    context.putImageData(image, 0, 0);
    part.look = look;
  }

  /** As the map of the whole scene decides; -1 for nothing. */
  private decide(shares: Uint8Array, size: number, at: number, names: string[]): number {
    const threshold = this.store.threshold;
    let best = -1;
    let most = 0;
    for (let channel = 0; channel < names.length; channel++) {
      if (threshold !== null && names[channel] === BACKGROUND) continue;
      const share = shares[channel * size + at]!;
      if (share > most) {
        most = share;
        best = channel;
      }
    }
    return threshold !== null && most < threshold * 255 ? -1 : best;
  }
}

export function parseColour(text: string): Colour {
  const number = Number.parseInt(text.slice(1), 16);
  return [(number >> 16) & 255, (number >> 8) & 255, number & 255];
}

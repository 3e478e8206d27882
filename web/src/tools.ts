/** What the pointer does: look around, draw, correct, edit, ask why. */

import type Feature from "ol/Feature";
import { altKeyOnly, primaryAction } from "ol/events/condition";
import type { LineString, Polygon } from "ol/geom";
import type Geometry from "ol/geom/Geometry";
import Collection from "ol/Collection";
import Draw from "ol/interaction/Draw";
import type Interaction from "ol/interaction/Interaction";
import Modify from "ol/interaction/Modify";
import Fill from "ol/style/Fill";
import Circle from "ol/style/Circle";
import Stroke from "ol/style/Stroke";
import Style from "ol/style/Style";
import { api } from "./api";
import { parseColour } from "./map_layer";
import { SceneMap } from "./scene_map";
import { writeGeometry, type ShapesLayer } from "./shapes_layer";
import { newId, type Store, type Tool } from "./store";
import { BACKGROUND } from "./types";

/** What "not this" needs to know when more than one class is left. */
export type AskInstead = (at: [number, number], wrong: string | null) => Promise<string | null>;
export type AskWhy = (col: number, row: number) => void;
export type ClassAt = (col: number, row: number) => { name: string; share: number } | null;

const DRAWING: Tool[] = ["polygon", "brush", "point"];

export class Tools {
  private current: Interaction[] = [];
  private draw: Draw | null = null;

  constructor(
    private readonly store: Store,
    private readonly scene: SceneMap,
    private readonly shapes: ShapesLayer,
    private readonly ask: { instead: AskInstead; why: AskWhy; classAt: ClassAt; className: () => void },
  ) {
    let shown = "";
    store.on(["choice", "scene", "drawn"], () => {
      const now = [store.tool, store.activeClass, store.selected, store.brush, store.about.number, store.colourOf(store.activeClass)].join("|");
      if (now === shown) return;
      shown = now;
      this.install();
    });
    scene.map.on("singleclick", (event) => this.click(event.coordinate as [number, number], event.pixel));
  }

  /** Give up what is being drawn. */
  abort(): boolean {
    const isDrawing = this.draw !== null && this.draw.getOverlay().getSource()!.getFeatures().length > 0;
    this.draw?.abortDrawing();
    return isDrawing;
  }

  /** Take the last corner back; whether there was one. */
  removeCorner(): boolean {
    if (!this.draw || this.store.tool !== "polygon") return false;
    if (!this.draw.getOverlay().getSource()!.getFeatures().length) return false;
    this.draw.removeLastPoint();
    return true;
  }

  private install(): void {
    const map = this.scene.map;
    for (const one of this.current) map.removeInteraction(one);
    this.current = [];
    this.draw = null;
    const { tool } = this.store;
    const target = map.getTargetElement();
    target.dataset["tool"] = tool;
    if (tool === "polygon") this.add(this.makeDraw("Polygon"));
    if (tool === "point") this.add(this.makeDraw("Point"));
    if (tool === "brush" || tool === "not") this.add(this.makeBrush());
    if (tool === "edit") this.addModify();
  }

  private add(draw: Draw): void {
    this.draw = draw;
    this.current.push(draw);
    this.scene.map.addInteraction(draw);
  }

  private makeDraw(type: "Polygon" | "Point"): Draw {
    const [red, green, blue] = parseColour(this.store.colourOf(this.store.activeClass));
    const colour = `rgb(${red},${green},${blue})`;
    const draw = new Draw({
      type,
      condition: (event) => primaryAction(event) && !altKeyOnly(event),
      style: [
        new Style({ stroke: new Stroke({ color: "#ffffff", width: 5 }) }),
        new Style({
          stroke: new Stroke({ color: colour, width: 3 }),
          fill: new Fill({ color: `rgba(${red},${green},${blue},0.25)` }),
          image: new Circle({ radius: 5, fill: new Fill({ color: colour }), stroke: new Stroke({ color: "#ffffff", width: 2 }) }),
        }),
      ],
    });
    draw.on("drawstart", () => this.checkClass(draw));
    draw.on("drawend", (event) => this.put(writeGeometry(event.feature.getGeometry() as Geometry), type === "Point" ? "point" : "polygon"));
    return draw;
  }

  private makeBrush(): Draw {
    const isNot = this.store.tool === "not";
    const [red, green, blue] = isNot ? [179, 38, 30] : parseColour(this.store.colourOf(this.store.activeClass));
    const width = this.store.brush;
    const draw = new Draw({
      type: "LineString",
      freehand: true,
      condition: (event) => primaryAction(event) && !altKeyOnly(event),
      style: [
        new Style({
          stroke: new Stroke({ color: `rgba(${red},${green},${blue},0.55)`, width }),
          image: new Circle({
            radius: width / 2,
            fill: new Fill({ color: `rgba(${red},${green},${blue},0.35)` }),
            stroke: new Stroke({ color: "#ffffff", width: 1.5 }),
          }),
        }),
      ],
    });
    draw.on("drawstart", () => isNot || this.checkClass(draw));
    draw.on("drawend", (event) => void this.endStroke(event.feature as Feature<LineString>, isNot));
    return draw;
  }

  private async endStroke(feature: Feature<LineString>, isNot: boolean): Promise<void> {
    const line = feature.getGeometry()!;
    const geometry = writeGeometry(line);
    geometry["width"] = this.store.brush * (this.scene.view.getResolution() ?? 1);
    if (!isNot) {
      this.put(geometry, "brush");
      return;
    }
    const middle = line.getCoordinateAt(0.5);
    const [col, row] = SceneMap.toPixel(middle);
    const wrong = this.ask.classAt(col, row)?.name ?? null;
    const others = this.store.mapped.filter((one) => one.name !== wrong);
    const [x, y] = this.scene.map.getPixelFromCoordinate(middle) as [number, number];
    const right = others.length ? await this.ask.instead([x, y], wrong) : BACKGROUND;
    if (right) this.put(geometry, "not", right);
  }

  private put(geometry: Record<string, unknown>, tool: string, name = this.store.activeClass): void {
    if (!name) {
      this.ask.className();
      return;
    }
    const example = { id: newId(), class: name, geometry, tool };
    this.store.change({ do: "put", example });
  }

  /** The server knows what hangs together with the place. */
  private async takeObject(col: number, row: number): Promise<void> {
    const { store } = this;
    if (!store.activeClass) {
      this.ask.className();
      return;
    }
    const name = store.activeClass;
    const resolution = this.scene.view.getResolution() ?? 1;
    await store.try(async () => {
      const geometry = await api.wholeObject(store.about.number, row, col, store.brush, resolution);
      this.put(geometry, "object", name);
    });
  }

  /** Without a class there is nothing to draw. */
  private checkClass(draw: Draw): void {
    if (this.store.activeClass) return;
    setTimeout(() => draw.abortDrawing());
    this.ask.className();
  }

  private addModify(): void {
    const id = this.store.selected;
    const feature = id ? this.shapes.find(id) : null;
    if (!feature) return;
    const modify = new Modify({ features: new Collection([feature]), deleteCondition: altKeyOnly });
    modify.on("modifyend", () => {
      const example = this.store.example;
      if (!example) return;
      const geometry = writeGeometry(feature.getGeometry() as Polygon);
      const told = { id: example.id, class: example.properties.class, geometry };
      this.store.change({ do: "put", example: told, based_on: example.properties.version });
    });
    this.current.push(modify);
    this.scene.map.addInteraction(modify);
  }

  private click(coordinate: [number, number], pixel: number[]): void {
    const { tool } = this.store;
    if (DRAWING.includes(tool) || tool === "not") return;
    if (tool === "object") {
      void this.takeObject(...SceneMap.toPixel(coordinate));
      return;
    }
    if (tool === "why") {
      const [col, row] = SceneMap.toPixel(coordinate);
      this.ask.why(col, row);
      return;
    }
    const found = this.scene.map.forEachFeatureAtPixel(pixel, (one) => one, {
      layerFilter: (layer) => layer === this.shapes.layer,
      hitTolerance: 6,
    });
    const id = found ? String((found as Feature).getId()) : null;
    this.store.choose({ selected: id });
  }
}

/** The examples over the map, and the places where to draw next. */

import Feature from "ol/Feature";
import GeoJSON from "ol/format/GeoJSON";
import type { Geometry } from "ol/geom";
import Point from "ol/geom/Point";
import VectorLayer from "ol/layer/Vector";
import VectorSource from "ol/source/Vector";
import Circle from "ol/style/Circle";
import Fill from "ol/style/Fill";
import Stroke from "ol/style/Stroke";
import Style from "ol/style/Style";
import Text from "ol/style/Text";
import { parseColour } from "./map_layer";
import type { Store } from "./store";
import type { ExampleFeature, NextPlace } from "./types";

const format = new GeoJSON();

export class ShapesLayer {
  readonly source = new VectorSource();
  readonly places = new VectorSource();
  readonly layer = new VectorLayer({ source: this.source, className: "layer-shapes", style: (one) => this.style(one as Feature) });
  readonly placesLayer = new VectorLayer({ source: this.places, className: "layer-places", style: stylePlace });
  /** Weight of each example in the answer to "why this?"; empty if nobody asks. */
  private weights = new Map<string, number>();

  constructor(private readonly store: Store) {
    store.on(["scene"], () => {
      this.source.clear();
      this.places.clear();
    });
    store.on(["scene", "drawn"], () => this.sync());
    store.on(["choice", "view"], () => {
      this.layer.setVisible(store.areExamplesShown);
      this.layer.changed();
    });
  }

  find(id: string): Feature | null {
    return this.source.getFeatureById(id) as Feature | null;
  }

  showPlaces(places: NextPlace[]): void {
    this.places.clear();
    places.forEach((place, number) => {
      const feature = new Feature(new Point([place.col, -place.row]));
      feature.set("number", number + 1);
      this.places.addFeature(feature);
    });
  }

  showWeights(weights: Map<string, number>): void {
    this.weights = weights;
    this.layer.changed();
  }

  /** Only what changed, so that nothing flickers and nothing in hand is lost. */
  private sync(): void {
    const there = new Set<string>();
    for (const example of this.store.state.examples) {
      there.add(example.id);
      const known = this.find(example.id);
      if (known && known.get("version") === example.properties.version) {
        known.set("example", example);
        continue;
      }
      const geometry = readGeometry(example);
      if (known) {
        known.setGeometry(geometry);
        known.setProperties({ version: example.properties.version, example });
        continue;
      }
      const feature = new Feature(geometry);
      feature.setId(example.id);
      feature.setProperties({ version: example.properties.version, example });
      this.source.addFeature(feature);
    }
    for (const feature of this.source.getFeatures()) {
      if (!there.has(String(feature.getId()))) this.source.removeFeature(feature);
    }
    this.layer.changed();
  }

  private style(feature: Feature): Style[] {
    const example = feature.get("example") as ExampleFeature;
    const { hidden, class: name } = example.properties;
    const isSelected = example.id === this.store.selected;
    const colour = this.store.colourOf(name);
    const [red, green, blue] = parseColour(colour);
    const weight = this.weights.get(example.id);
    const width = weight !== undefined ? 2 + 10 * weight : isSelected ? 4 : 2.5;
    const dash = hidden ? [6, 6] : undefined;
    const fill = new Fill({ color: `rgba(${red},${green},${blue},${isSelected ? 0.25 : 0.12})` });
    const faded = this.weights.size > 0 && weight === undefined;
    const line = faded ? `rgba(${red},${green},${blue},0.35)` : colour;
    const casing = isSelected || weight !== undefined ? "#ffffff" : "rgba(255,255,255,0.75)";
    if (feature.getGeometry()?.getType() === "Point") {
      const radius = isSelected ? 8 : 6;
      return [
        new Style({
          image: new Circle({
            radius,
            fill: new Fill({ color: hidden ? "rgba(255,255,255,0.4)" : line }),
            stroke: new Stroke({ color: casing, width: 2 }),
          }),
        }),
      ];
    }
    return [
      new Style({ stroke: new Stroke({ color: casing, width: width + 2.5, lineDash: dash }), fill }),
      new Style({ stroke: new Stroke({ color: line, width, lineDash: dash }) }),
    ];
  }
}

/** From columns and rows to the coordinates of the map. */
export function readGeometry(example: ExampleFeature): Geometry {
  const geometry = format.readGeometry(example.geometry) as Geometry;
  flip(geometry);
  return geometry;
}

/** From the coordinates of the map to columns and rows, as GeoJSON. */
export function writeGeometry(geometry: Geometry): Record<string, unknown> {
  const copy = geometry.clone();
  flip(copy);
  return format.writeGeometryObject(copy, { decimals: 2 }) as unknown as Record<string, unknown>;
}

function flip(geometry: Geometry): void {
  geometry.applyTransform((numbers, output, stride = 2) => {
    const target = output ?? numbers;
    for (let at = 0; at < numbers.length; at += stride) {
      target[at] = numbers[at]!;
      target[at + 1] = -numbers[at + 1]!;
    }
    return target;
  });
}

function stylePlace(feature: unknown): Style[] {
  const number = String((feature as Feature).get("number"));
  return [
    new Style({
      image: new Circle({
        radius: 14,
        fill: new Fill({ color: "rgba(255,255,255,0.92)" }),
        stroke: new Stroke({ color: "#b3261e", width: 3 }),
      }),
      text: new Text({ text: number, font: "700 13px system-ui, sans-serif", fill: new Fill({ color: "#7a1610" }) }),
    }),
  ];
}

/** The scene as a zoomable map in its own pixels: x is the column, y the negative row. */

import OlMap from "ol/Map";
import View from "ol/View";
import { defaults as defaultControls } from "ol/control/defaults";
import { defaults as defaultInteractions } from "ol/interaction/defaults";
import type { Coordinate } from "ol/coordinate";
import TileLayer from "ol/layer/Tile";
import Projection from "ol/proj/Projection";
import TileImage from "ol/source/TileImage";
import TileGrid from "ol/tilegrid/TileGrid";
import { api } from "./api";
import type { Store } from "./store";

const TILE = 256;
/** Milliseconds between the end of a movement and asking for the map of the view. */
const CALM = 120;

export class SceneMap {
  readonly map: OlMap;
  private readonly picture = new TileLayer<TileImage>({ className: "layer-picture" });
  private shownScene = -1;
  private calming = 0;

  constructor(private readonly store: Store, target: HTMLElement) {
    this.map = new OlMap({
      target,
      layers: [this.picture],
      controls: defaultControls({ attribution: false, rotate: false, zoom: false }),
      interactions: defaultInteractions({ altShiftDragRotate: false, pinchRotate: false }),
    });
    this.map.on("moveend", () => this.askForView());
    store.on(["scene"], () => this.openScene());
    store.on(["view"], () => this.showBands());
  }

  get view(): View {
    return this.map.getView();
  }

  /** Columns and rows of a coordinate. */
  static toPixel([x, y]: Coordinate): [number, number] {
    return [x!, -y!];
  }

  fit(): void {
    const { width, height } = this.store.about;
    this.view.fit([0, -height, width, 0], { padding: [16, 16, 92, 16] });
  }

  goTo(col: number, row: number, resolution?: number): void {
    const wanted = Math.min(this.view.getResolution() ?? 1, resolution ?? 1);
    this.view.animate({ center: [col, -row], resolution: wanted, duration: 300 });
  }

  zoomBy(steps: number): void {
    const zoom = this.view.getZoom() ?? 0;
    this.view.animate({ zoom: zoom + steps, duration: 150 });
  }

  /** Ask for the map of what is in view now. */
  askForView(): void {
    window.clearTimeout(this.calming);
    this.calming = window.setTimeout(() => void this.sendView(), CALM);
  }

  private async sendView(): Promise<void> {
    const size = this.map.getSize();
    const resolution = this.view.getResolution();
    if (!size || !resolution || !size[0] || !size[1]) return;
    const [left, bottom, right, top] = this.view.calculateExtent(size) as [number, number, number, number];
    await this.store.try(async () => {
      await api.view(this.store.about.number, [left, -top, right, -bottom], resolution);
    });
  }

  private openScene(): void {
    const about = this.store.about;
    const projection = new Projection({
      code: `scene-${about.number}`,
      units: "pixels",
      extent: [0, -about.height, about.width, 0],
    });
    const levels = about.last_level + 1;
    const widest = 2 ** about.last_level;
    const margin = Math.max(about.width, about.height) / 2;
    this.map.setView(
      new View({
        projection,
        maxResolution: widest * 2,
        minResolution: 1 / 16,
        extent: [-margin, -about.height - margin, about.width + margin, margin],
        constrainOnlyCenter: true,
        showFullExtent: true,
        center: [about.width / 2, -about.height / 2],
        resolution: widest,
      }),
    );
    this.shownScene = about.number;
    this.picture.setSource(this.makeSource(projection, levels));
    this.map.updateSize();
    this.fit();
  }

  private showBands(): void {
    if (this.shownScene !== this.store.about.number) return;
    const source = this.picture.getSource();
    const key = this.addressKey();
    if (!source || source.get("key") === key) return;
    this.picture.setSource(this.makeSource(this.view.getProjection(), this.store.about.last_level + 1));
  }

  private addressKey(): string {
    return `${this.store.about.number}/${this.store.bands.join(",")}/${this.store.scale}`;
  }

  private makeSource(projection: Projection, levels: number): TileImage {
    const { number, width, height } = this.store.about;
    const address = api.tileAddress(number, this.store.bands, this.store.scale);
    const source = new TileImage({
      projection,
      wrapX: false,
      interpolate: false,
      tileGrid: new TileGrid({
        origin: [0, 0],
        extent: [0, -height, width, 0],
        resolutions: Array.from({ length: levels }, (_, level) => 2 ** (levels - 1 - level)),
        tileSize: TILE,
      }),
      tileUrlFunction: ([z, x, y]) => address(z!, x!, y!),
    });
    source.set("key", this.addressKey());
    source.on("tileloaderror", () => this.store.tileFailed());
    return source;
  }
}

/** What the server tells, as it tells it. */

export interface SceneAbout {
  number: number;
  name: string;
  width: number;
  height: number;
  bands: string[];
  /** One band, or three as red, green and blue; from 1. */
  shown: number[];
  dtype: string;
  last_level: number;
  crs: string | null;
  /** From column and row to x and y: a, b, c, d, e, f. */
  transform: number[] | null;
  /** Side of a pixel on the ground. */
  metres: number | null;
  file: string;
}

export interface SessionAbout {
  scenes: SceneAbout[];
  model: string;
  ready: boolean;
}

export interface DrawnClass {
  name: string;
  colour: string;
}

export interface ExampleFeature {
  id: string;
  /** GeoJSON in columns and rows. */
  geometry: { type: string; coordinates: unknown };
  properties: {
    class: string;
    tool: string;
    hidden: boolean;
    version: number;
    pixels: number;
  };
}

export interface Score {
  value: number;
  low: number;
  high: number;
}

export interface Accuracy {
  revision: number;
  mean: Score | null;
  classes: { name: string; examples: number; pixels: number; iou: Score | null; share: number | null }[];
  confused: [string, string] | null;
  agreement: Record<string, number>;
}

export interface Job {
  scene: number;
  state: "running" | "cancelled" | "failed" | "done";
  done: number;
  seconds: number;
  folder: string;
  command: string;
  files: string[];
  trouble: string;
}

export interface DrawnState {
  scene: number;
  revision: number;
  classes: DrawnClass[];
  examples: ExampleFeature[];
  can_undo: boolean;
  can_redo: boolean;
  learnt: number | null;
  channels: string[];
  accuracy: Accuracy | null;
  trouble: string;
}

export interface PaintedPlace {
  row: number;
  col: number;
  revision: number;
  step: number;
  /** Whether a better one follows. */
  draft: boolean;
}

export interface SceneState extends DrawnState {
  painted: PaintedPlace[];
  /** Side of a part of the map, in pixels; none before the model is loaded. */
  side: number | null;
  job: Job | null;
}

export interface NextPlace {
  row: number;
  col: number;
  unsure: number;
  novelty: number;
}

export interface Why {
  classes: Record<string, number>;
  examples: { id: string; share: number }[];
}

export interface Change {
  do: "put" | "delete" | "class" | "drop_class";
  [key: string]: unknown;
}

export const BACKGROUND = "background";
/** Classes that are no class of the map. */
export const RESERVED = [BACKGROUND, "area", "ignore"];

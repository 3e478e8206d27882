/** Talks to the server. Addresses are relative, so that each holds the token of the page's own. */

import type {
  Change, DrawnState, Job, NextPlace, PaintedPlace, SceneState, SessionAbout, Why,
} from "./types";

/** A refusal of the server, in its own words. */
export class Refusal extends Error {
  constructor(readonly status: number, message: string) {
    super(message);
  }
}

/** The server does not answer. */
export class Silence extends Error {}

async function ask(path: string, options: RequestInit = {}): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(`api/${path}`, { cache: "no-store", ...options });
  } catch {
    throw new Silence("the server does not answer");
  }
  if (answer.ok) return answer;
  throw new Refusal(answer.status, await tellRefusal(answer));
}

async function tellRefusal(answer: Response): Promise<string> {
  const text = await answer.text();
  try {
    const { problem, expected, remedy } = JSON.parse(text);
    const told = [problem, expected, remedy].filter(Boolean).join("; ");
    return told ? `${told.charAt(0).toUpperCase()}${told.slice(1)}.` : text;
  } catch {
    return text || `The server refused (${answer.status}).`;
  }
}

async function post<T>(path: string, told: unknown = {}): Promise<T> {
  const answer = await ask(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(told),
  });
  return answer.json() as Promise<T>;
}

async function get<T>(path: string): Promise<T> {
  return (await ask(path)).json() as Promise<T>;
}

export const api = {
  session: () => get<SessionAbout>("session"),
  wholeObject: (scene: number, row: number, col: number, size: number, resolution: number) =>
    get<Record<string, unknown>>(
      `scenes/${scene}/object?row=${row}&col=${col}&size=${size}&resolution=${resolution}`,
    ),
  scene: (scene: number) => get<SceneState>(`scenes/${scene}`),
  change: (scene: number, changes: Change[]) =>
    post<DrawnState>(`scenes/${scene}/changes`, changes),
  undo: (scene: number) => post<DrawnState>(`scenes/${scene}/undo`),
  redo: (scene: number) => post<DrawnState>(`scenes/${scene}/redo`),
  view: (scene: number, box: number[], resolution: number) =>
    post<{ places: [number, number][]; step: number }>(`scenes/${scene}/view`, { box, resolution }),
  places: (scene: number) => get<NextPlace[]>(`scenes/${scene}/places`),
  why: (scene: number, row: number, col: number) =>
    get<Why>(`scenes/${scene}/why?row=${row}&col=${col}`),
  recipe: (scene: number) => get<{ command: string; python: string }>(`scenes/${scene}/recipe`),
  startJob: (scene: number, threshold: number | null, resume: boolean) =>
    post<Job>(`scenes/${scene}/job`, { threshold, resume }),
  cancelJob: async (scene: number) =>
    (await ask(`scenes/${scene}/job`, { method: "DELETE" })).json() as Promise<Job | null>,
  takeOver: async (scene: number, file: File) =>
    (
      await ask(`scenes/${scene}/import?name=${encodeURIComponent(file.name)}`, {
        method: "POST",
        body: file,
      })
    ).json() as Promise<DrawnState>,
  /** Probabilities of a part of the map; none if it is not there any more. */
  async painted(scene: number, place: PaintedPlace, signal: AbortSignal): Promise<Painted | null> {
    const answer = await ask(`scenes/${scene}/map/${place.row}/${place.col}`, { signal });
    if (answer.status === 204) return null;
    const content = await answer.arrayBuffer();
    const [channels, rows, cols, step] = new Uint32Array(content, 0, 4) as unknown as number[];
    return {
      revision: Number(answer.headers.get("x-revision")),
      names: JSON.parse(answer.headers.get("x-channels") ?? "[]") as string[],
      channels: channels!,
      rows: rows!,
      cols: cols!,
      step: step!,
      shares: new Uint8Array(content, 16),
    };
  },
  /** Fails as the tiles of the scene do. */
  async checkTile(scene: number, bands: number[], scale: string): Promise<void> {
    await ask(`scenes/${scene}/tiles/0/0/0?bands=${bands.join(",")}&scale=${scale}`);
  },
  events: () => new EventSource("api/events"),
  tileAddress: (scene: number, bands: number[], scale: string) => (z: number, x: number, y: number) =>
    `api/scenes/${scene}/tiles/${z}/${x}/${y}?bands=${bands.join(",")}&scale=${scale}`,
  examplesAddress: (scene: number) => `api/scenes/${scene}/examples`,
  resultAddress: (scene: number, name: string) =>
    `api/scenes/${scene}/results/${encodeURIComponent(name)}`,
};

export interface Painted {
  revision: number;
  /** What the channels are. */
  names: string[];
  channels: number;
  rows: number;
  cols: number;
  /** Cells from one to the next. */
  step: number;
  /** Channel by channel, by rows; 255 is certain, and all 0 where the scene shows nothing. */
  shares: Uint8Array;
}

/** What the page knows, and who wants to hear of it. */

import { Refusal, Silence, api } from "./api";
import type { Accuracy, Change, DrawnState, ExampleFeature, Job, SceneAbout, SceneState } from "./types";
import { BACKGROUND, RESERVED } from "./types";

export type Tool = "pan" | "polygon" | "brush" | "object" | "point" | "not" | "edit" | "why";
export type MapMode = "classes" | "probability";
export type Compare = "blend" | "swipe";
export type Topic = "scene" | "drawn" | "choice" | "view" | "accuracy" | "job" | "status" | "places";

/** Milliseconds between two tries to reach the server. */
const RETRY = 1500;

export class Store {
  scenes: SceneAbout[] = [];
  about!: SceneAbout;
  state!: SceneState;
  model = "";
  isReady = false;
  isConnected = true;
  isSaving = false;
  progress: { done: number; total: number } | null = null;
  job: Job | null = null;

  tool: Tool = "pan";
  activeClass = "";
  selected: string | null = null;
  brush = 18;

  mode: MapMode = "classes";
  compare: Compare = "blend";
  isMapShown = true;
  areExamplesShown = true;
  opacity = 0.6;
  swipe = 0.5;
  threshold: number | null = null;
  bands: number[] = [];
  scale = "auto";

  /** Tells a sentence to the person: a refusal, or news. */
  notify: (sentence: string, kind?: "bad" | "good") => void = () => {};

  private readonly listeners = new Map<Topic, (() => void)[]>();
  private readonly waiting: { scene: number; changes: Change[] }[] = [];
  private isSending = false;
  private failing = 0;

  on(topics: Topic[], listener: () => void): void {
    for (const topic of topics) {
      this.listeners.set(topic, [...(this.listeners.get(topic) ?? []), listener]);
    }
  }

  tell(...topics: Topic[]): void {
    const called = new Set(topics.flatMap((topic) => this.listeners.get(topic) ?? []));
    for (const listener of called) listener();
  }

  get example(): ExampleFeature | undefined {
    return this.state.examples.find((one) => one.id === this.selected);
  }

  /** Classes of the map. */
  get mapped() {
    return this.state.classes.filter((one) => !RESERVED.includes(one.name));
  }

  colourOf(name: string): string {
    const found = this.state.classes.find((one) => one.name === name);
    return found?.colour ?? (RESERVED.includes(name) ? "#d8d8d2" : "#9aa4af");
  }

  async open(number: number): Promise<void> {
    this.about = this.scenes[number]!;
    this.state = await api.scene(number);
    this.job = this.state.job;
    this.bands = this.about.shown;
    this.scale = "auto";
    this.selected = null;
    this.progress = null;
    if (!this.state.classes.some((one) => one.name === this.activeClass)) {
      this.activeClass = this.mapped[0]?.name ?? "";
    }
    this.tell("scene", "drawn", "choice", "view", "accuracy", "job", "status");
  }

  /** Ask for everything anew, after the connection was lost. */
  async refresh(): Promise<void> {
    const fresh = await api.scene(this.about.number);
    this.state = fresh;
    this.job = fresh.job;
    this.tell("drawn", "accuracy", "job", "status");
  }

  take(drawn: DrawnState): void {
    if (drawn.scene !== this.state.scene || drawn.revision < this.state.revision) return;
    this.state = { ...this.state, ...drawn };
    if (this.selected && !this.example) this.selected = null;
    if (!this.state.classes.some((one) => one.name === this.activeClass)) {
      if (this.activeClass !== BACKGROUND) this.activeClass = this.mapped[0]?.name ?? "";
    }
    this.tell("drawn", "choice", "status");
  }

  takeAccuracy(accuracy: Accuracy | null): void {
    this.state = { ...this.state, accuracy };
    this.tell("accuracy");
  }

  choose(choice: Partial<Pick<Store, "tool" | "activeClass" | "selected" | "brush">>): void {
    Object.assign(this, choice);
    this.tell("choice");
  }

  show(
    view: Partial<
      Pick<
        Store,
        | "mode" | "compare" | "isMapShown" | "areExamplesShown" | "opacity" | "swipe" | "threshold"
        | "bands" | "scale"
      >
    >,
  ): void {
    Object.assign(this, view);
    this.tell("view");
  }

  /** Changes what is drawn. If the server does not answer, it is sent when it is back. */
  change(...changes: Change[]): void {
    this.waiting.push({ scene: this.about.number, changes });
    void this.send();
  }

  get numWaiting(): number {
    return this.waiting.length;
  }

  async step(direction: "undo" | "redo"): Promise<void> {
    await this.try(async () => this.take(await api[direction](this.about.number)));
  }

  /** Runs what asks the server, and tells what it refuses. */
  async try(action: () => Promise<void>): Promise<void> {
    try {
      await action();
      this.setConnected(true);
    } catch (error) {
      if (error instanceof Refusal) this.notify(error.message, "bad");
      else if (error instanceof Silence) this.setConnected(false);
      else throw error;
    }
  }

  /** A picture did not come: say why, once for many. */
  tileFailed(): void {
    if (this.failing) return;
    this.failing = window.setTimeout(() => (this.failing = 0), 5000);
    void this.try(() => api.checkTile(this.about.number, this.bands, this.scale));
  }

  setConnected(isConnected: boolean): void {
    if (isConnected === this.isConnected) return;
    this.isConnected = isConnected;
    this.tell("status");
    if (isConnected) void this.send();
  }

  private async send(): Promise<void> {
    if (this.isSending) return;
    this.isSending = true;
    this.setSaving(true);
    while (this.waiting.length) {
      const next = this.waiting[0]!;
      try {
        const drawn = await api.change(next.scene, next.changes);
        this.waiting.shift();
        this.setConnected(true);
        this.take(drawn);
      } catch (error) {
        if (error instanceof Silence) {
          this.setConnected(false);
          await new Promise((resolve) => setTimeout(resolve, RETRY));
          continue;
        }
        this.waiting.shift();
        if (!(error instanceof Refusal)) throw error;
        this.notify(error.message, "bad");
        await this.try(() => this.refresh());
      }
    }
    this.isSending = false;
    this.setSaving(false);
  }

  private setSaving(isSaving: boolean): void {
    this.isSaving = isSaving;
    this.tell("status");
  }
}

export function newId(): string {
  const numbers = crypto.getRandomValues(new Uint8Array(12));
  return Array.from(numbers, (one) => one.toString(16).padStart(2, "0")).join("");
}

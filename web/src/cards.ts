/** Small cards over the map: why, what instead, and the bands of the image. */

import { api } from "./api";
import { byId, iconButton, make, percent, swatch } from "./dom";
import type { SceneMap } from "./scene_map";
import type { ShapesLayer } from "./shapes_layer";
import type { Store } from "./store";
import { tellName } from "./classes_panel";
import { BACKGROUND } from "./types";

export function setUpWhy(store: Store, scene: SceneMap, shapes: ShapesLayer): (col: number, row: number) => void {
  const card = byId("why-card");
  const close = () => {
    card.hidden = true;
    shapes.showWeights(new Map());
  };
  store.on(["choice"], () => {
    if (store.tool !== "why") close();
  });
  store.on(["scene", "drawn"], close);
  return (col, row) =>
    void store.try(async () => {
      close();
      const why = await api.why(store.about.number, row, col);
      const classes = Object.entries(why.classes).sort((one, other) => other[1] - one[1]);
      shapes.showWeights(new Map(why.examples.map((one) => [one.id, one.share])));
      const rows = why.examples.slice(0, 5).map(({ id, share }) => {
        const example = store.state.examples.find((one) => one.id === id);
        const name = example?.properties.class ?? "";
        const go = make("button", { className: "why-row" }, [
          swatch(store.colourOf(name)),
          make("span", { text: tellName(name) }),
          makeMeter(share),
          make("span", { className: "fine", text: percent(share) }),
        ]);
        go.type = "button";
        go.addEventListener("click", () => store.choose({ selected: id }));
        return make("li", {}, [go]);
      });
      card.replaceChildren(
        make("div", { className: "card-head" }, [make("h3", { text: "Why here?" }), iconButton("close", "Close", close)]),
        make("p", {}, [
          "The map says ", make("strong", { text: tellName(classes[0]?.[0] ?? "") }),
          `, sure to ${percent(classes[0]?.[1] ?? 0)}.`,
        ]),
        make("p", { className: "fine", text: "Examples that decided, by their share of the votes:" }),
        make("ul", { className: "plain" }, rows),
      );
      putBeside(card, scene, col, row);
    });
}

function makeMeter(share: number): HTMLElement {
  const meter = make("span", { className: "bar small" });
  const fill = make("span", { className: "fill" });
  fill.style.width = `${Math.min(100, share * 100)}%`;
  meter.append(fill);
  return meter;
}

function putBeside(card: HTMLElement, scene: SceneMap, col: number, row: number): void {
  const [x, y] = scene.map.getPixelFromCoordinate([col, -row]) as [number, number];
  place(card, x + 16, y - 20);
}

/** Shows a card inside the stage. */
function place(card: HTMLElement, x: number, y: number): void {
  card.hidden = false;
  const stage = card.parentElement!.getBoundingClientRect();
  const { width, height } = card.getBoundingClientRect();
  card.style.left = `${Math.max(8, Math.min(x, stage.width - width - 8))}px`;
  card.style.top = `${Math.max(8, Math.min(y, stage.height - height - 8))}px`;
}

/** Asks what is right where the map is wrong. */
export function setUpInstead(store: Store): (at: [number, number], wrong: string | null) => Promise<string | null> {
  const card = byId("instead");
  let answer: (name: string | null) => void = () => {};
  const close = (name: string | null) => {
    card.hidden = true;
    answer(name);
    answer = () => {};
  };
  store.on(["choice", "scene"], () => close(null));
  document.addEventListener("keydown", (event) => {
    if (card.hidden) return;
    if (event.key === "Escape") close(null);
    const number = Number(event.key);
    const button = card.querySelectorAll<HTMLButtonElement>("button.answer")[number - 1];
    if (number >= 1 && button) {
      event.stopImmediatePropagation();
      button.click();
    }
  }, true);
  return ([x, y], wrong) => {
    close(null);
    const names = [...store.mapped.map((one) => one.name).filter((name) => name !== wrong), BACKGROUND];
    const buttons = names.map((name, number) => {
      const button = make("button", { className: "answer" }, [
        swatch(store.colourOf(name)), tellName(name), make("kbd", { text: String(number + 1) }),
      ]);
      button.type = "button";
      button.addEventListener("click", () => close(name));
      return button;
    });
    card.replaceChildren(
      make("div", { className: "card-head" }, [
        make("h3", { text: wrong && wrong !== BACKGROUND ? `Not “${wrong}”. What is it?` : "What is it?" }),
        iconButton("close", "Draw nothing", () => close(null)),
      ]),
      ...buttons,
    );
    place(card, x + 12, y - 12);
    buttons[0]?.focus();
    return new Promise((resolve) => (answer = resolve));
  };
}

/** Which bands are shown, and with which contrast. */
export function setUpBands(store: Store): void {
  const card = byId("bands-card");
  const button = byId("bands");
  const close = () => {
    card.hidden = true;
    button.setAttribute("aria-expanded", "false");
  };
  const fill = () => {
    const choices = ["Red", "Green", "Blue"].map((label, channel) => {
      const select = make("select");
      store.about.bands.forEach((name, number) => {
        const option = make("option", { text: `${number + 1} ${name}` });
        option.value = String(number + 1);
        option.selected = (store.bands[channel] ?? store.bands[0]) === number + 1;
        select.append(option);
      });
      select.addEventListener("change", () => {
        const now = [0, 1, 2].map((place) => store.bands[place] ?? store.bands[0]!);
        now[channel] = Number(select.value);
        store.show({ bands: new Set(now).size === 1 ? now.slice(0, 1) : now });
      });
      return make("label", { className: "field" }, [label, select]);
    });
    const contrast = make("select");
    for (const [value, text] of [["auto", "as the scene is read"], ["percentile", "stretched"], ["none", "raw values"]] as const) {
      const option = make("option", { text });
      option.value = value;
      option.selected = store.scale === value;
      contrast.append(option);
    }
    contrast.addEventListener("change", () => store.show({ scale: contrast.value }));
    card.replaceChildren(
      make("div", { className: "card-head" }, [make("h3", { text: "Image" }), iconButton("close", "Close", close)]),
      ...choices,
      make("label", { className: "field" }, ["Contrast", contrast]),
      make("p", { className: "fine", text: `${store.about.bands.length} bands, ${store.about.dtype}. The map learns from all of them, whatever is shown.` }),
    );
  };
  button.addEventListener("click", () => {
    if (!card.hidden) return close();
    fill();
    button.setAttribute("aria-expanded", "true");
    const at = button.getBoundingClientRect();
    const stage = card.parentElement!.getBoundingClientRect();
    card.hidden = false;
    place(card, at.left - stage.left - 120, at.top - stage.top - card.getBoundingClientRect().height - 12);
    card.querySelector("select")?.focus();
  });
  card.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      close();
      button.focus();
    }
  });
  store.on(["scene"], close);
}

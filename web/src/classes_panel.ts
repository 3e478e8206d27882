/** The list of classes: which one is drawn, its colour, its name. */

import { byId, iconButton, make, percent } from "./dom";
import type { Store } from "./store";
import { BACKGROUND, RESERVED } from "./types";

export function setUpClasses(store: Store): void {
  const list = byId("classes");
  const form = byId<HTMLFormElement>("class-form");
  const input = byId<HTMLInputElement>("class-name");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    addClass(store, input.value);
    input.value = "";
  });
  store.on(["scene", "drawn", "choice", "accuracy"], () => {
    const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset["key"] : undefined;
    if (list.querySelector("input.rename")) return; // do not take a name away while it is typed
    list.replaceChildren(...listNames(store).map((name, number) => makeRow(store, name, number)));
    if (focused) list.querySelector<HTMLElement>(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  });
}

/** The classes to draw; the ground that is none of them comes last. */
export function listNames(store: Store): string[] {
  const names = store.mapped.map((one) => one.name);
  const kept = store.state.classes.map((one) => one.name).filter((name) => RESERVED.includes(name) && name !== BACKGROUND);
  return names.length ? [...names, ...kept, BACKGROUND] : [...kept];
}

export function addClass(store: Store, text: string): boolean {
  const name = text.trim();
  if (!name) return false;
  store.activeClass = name;
  store.change({ do: "class", name });
  if (store.tool === "pan" || store.tool === "why") store.tool = "polygon";
  return true;
}

export function tellName(name: string): string {
  if (name === BACKGROUND) return "none of these";
  return name;
}

function makeRow(store: Store, name: string, number: number): HTMLElement {
  const isActive = name === store.activeClass;
  const colour = store.colourOf(name);
  const row = make("div", { className: isActive ? "class-row active" : "class-row" });
  const label = make("label", { className: "class-label" });
  const radio = make("input");
  radio.type = "radio";
  radio.name = "class";
  radio.checked = isActive;
  radio.dataset["key"] = `class-${name}`;
  radio.addEventListener("change", () => store.choose({ activeClass: name }));
  const count = store.state.examples.filter((one) => one.properties.class === name && !one.properties.hidden).length;
  const about = store.state.accuracy?.classes.find((one) => one.name === name);
  const text = make("span", { className: "class-name", text: tellName(name) });
  label.append(radio, text);
  const key = number < 9 ? make("kbd", { text: String(number + 1) }) : "";
  const fine = make("span", { className: "fine count" });
  fine.textContent = about?.share != null ? percent(about.share) : "";
  fine.title = "Share of the scene, estimated";
  const badge = make("span", { className: "badge", text: String(count), title: `${count} examples`, label: `${count} examples` });
  badge.setAttribute("role", "img");
  if (RESERVED.includes(name)) {
    const still = make("span", { className: "swatch" });
    still.style.background = colour;
    row.append(still, label, fine, badge, key);
    return row;
  }
  const picker = make("input", { className: "swatch", label: `Colour of ${name}`, title: "Colour" });
  picker.type = "color";
  picker.value = colour;
  picker.dataset["key"] = `colour-${name}`;
  picker.addEventListener("change", () => store.change({ do: "class", name, colour: picker.value }));
  const more = make("span", { className: "row-actions" }, [
    iconButton("rename", `Rename ${name}`, () => rename(store, name, text)),
    iconButton("trash", `Delete ${name} and its examples`, () => drop(store, name, count)),
  ]);
  row.append(picker, label, fine, more, badge, key);
  return row;
}

function drop(store: Store, name: string, count: number): void {
  store.change({ do: "drop_class", name });
  store.notify(`“${name}”${count ? ` and its ${count} examples are` : " is"} deleted. Undo brings ${count ? "them" : "it"} back.`);
}

function rename(store: Store, name: string, at: HTMLElement): void {
  const input = make("input", { className: "rename", label: `New name of ${name}` });
  input.value = name;
  input.maxLength = 60;
  let isOver = false;
  const end = (isMeant: boolean) => {
    if (isOver) return;
    isOver = true;
    const to = input.value.trim();
    input.remove();
    if (isMeant && to && to !== name) {
      if (store.activeClass === name) store.activeClass = to;
      store.change({ do: "class", name, to });
    }
    store.tell("choice");
  };
  input.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Enter") end(true);
    if (event.key === "Escape") end(false);
  });
  input.addEventListener("blur", () => end(true));
  at.replaceWith(input);
  input.focus();
  input.select();
}

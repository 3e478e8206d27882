/** Short ways to the elements of the page. */

export function byId<T extends HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no element '${id}'`);
  return found as T;
}

export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  about: { className?: string; text?: string; label?: string; title?: string } = {},
  children: (Node | string)[] = [],
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  if (about.className) made.className = about.className;
  if (about.text !== undefined) made.textContent = about.text;
  if (about.label) made.setAttribute("aria-label", about.label);
  if (about.title) made.title = about.title;
  made.append(...children);
  return made;
}

/** A picture from the sprite in index.html. */
export function icon(name: string): SVGSVGElement {
  const space = "http://www.w3.org/2000/svg";
  const drawn = document.createElementNS(space, "svg");
  drawn.setAttribute("class", "icon");
  drawn.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(space, "use");
  use.setAttribute("href", `#i-${name}`);
  drawn.append(use);
  return drawn;
}

export function iconButton(name: string, label: string, act: () => void): HTMLButtonElement {
  const button = make("button", { className: "quiet", label, title: label }, [icon(name)]);
  button.type = "button";
  button.addEventListener("click", (event) => {
    event.stopPropagation();
    act();
  });
  return button;
}

export function swatch(colour: string): HTMLSpanElement {
  const made = make("span", { className: "swatch" });
  made.style.background = colour;
  return made;
}

export function percent(share: number): string {
  return share > 0 && share < 0.01 ? "<\u00a01\u00a0%" : `${Math.round(share * 100)}\u00a0%`;
}

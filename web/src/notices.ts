/** Sentences for the person: what was refused, what is being done, whether all is saved. */

import { byId, make } from "./dom";
import type { Store } from "./store";

const SHOWN = 7000;

export function setUpNotices(store: Store): void {
  const notices = byId("notices");
  store.notify = (sentence, kind) => {
    const notice = make("div", { className: `notice ${kind ?? ""}`, text: sentence });
    notices.append(notice);
    while (notices.childElementCount > 3) notices.firstElementChild!.remove();
    setTimeout(() => notice.remove(), SHOWN);
  };
  const saved = byId("saved");
  const banner = byId("banner");
  const doing = byId("doing");
  store.on(["status", "drawn", "scene"], () => {
    saved.textContent = !store.isConnected ? "Not saved yet" : store.isSaving ? "Saving …" : "All saved";
    saved.title = store.about ? `In ${store.about.file}` : "";
    const trouble = tellTrouble(store);
    banner.hidden = !trouble;
    if (banner.textContent !== trouble) banner.textContent = trouble;
    doing.textContent = tellProgress(store);
    document.body.classList.toggle("busy", Boolean(doing.textContent));
  });
}

function tellTrouble(store: Store): string {
  if (!store.isConnected) {
    const waiting = store.numWaiting ? " What you drew is kept here, and sent when it is back." : "";
    return `The server does not answer. Is it still running?${waiting}`;
  }
  const { trouble } = store.state;
  return trouble ? `${trouble[0]!.toUpperCase()}${trouble.slice(1)}.` : "";
}

function tellProgress(store: Store): string {
  if (!store.isReady) return "Loading the model …";
  const { progress, state } = store;
  if (progress && progress.done < progress.total) return `Looking at the ground: ${progress.done} of ${progress.total}`;
  const isBehind = state.learnt !== state.revision && state.examples.length > 0 && state.learnt !== null;
  return isBehind ? "" : "";
}

// Keys of the editor. They hang on the document, because focus falls back to the page after a deletion.
import { useEffect, useRef } from "react";
import { duplicate, nudge, pasteText, selectionText, setDisabled, tidyAll } from "../editor/actions.js";
import { GRID } from "../editor/geometry.js";

const EDITORS =
  "input, textarea, select, [contenteditable=true], [role=textbox], [role=dialog], [role=menu], .cm-editor";

// Whether keys belong to a field or an overlay and not to the canvas.
export const isTyping = (element) => Boolean(element?.closest?.(EDITORS));

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function plainKey(event, { store, flow, wrapper, openQuick, onPalette, onOpenInspector, pointer }) {
  const chosen = store.get().nodes;
  const here = wrapper.current?.contains(document.activeElement) || document.activeElement === document.body;
  const smooth = { duration: 150 };
  const arrow = ARROWS[event.key];
  if (arrow && here && chosen.length) {
    const by = event.shiftKey ? GRID * 5 : GRID;
    return () => nudge(store, arrow[0] * by, arrow[1] * by);
  }
  if (event.key === "Tab") {
    // Only where the pointer works on the canvas: who walks by Tab must be able to leave it.
    return !event.shiftKey && here && (chosen.length === 1 || pointer.current) ? () => openQuick() : null;
  }
  if (event.key === "L" && event.shiftKey) return () => tidyAll(store);
  if (event.shiftKey && event.key !== "+") return null;
  const rules = {
    "/": onPalette,
    Delete: () => store.removeSelected(),
    Backspace: () => store.removeSelected(),
    Escape: () => store.select([], []),
    Enter: chosen.length === 1 && here ? onOpenInspector : null,
    F2: chosen.length === 1 ? () => store.jump(chosen[0], "$label") : null,
    d: chosen.length ? () => setDisabled(store, chosen, !store.get().byId.get(chosen[0]).settings?.disabled) : null,
    1: () => flow.fitView({ padding: 0.15, maxZoom: 1, ...smooth }),
    0: () => flow.zoomTo(1, smooth),
    "+": () => flow.zoomIn(smooth),
    "=": () => flow.zoomIn(smooth),
    "-": () => flow.zoomOut(smooth),
  };
  return rules[event.key] ?? null;
}

function controlKey(event, { store, onRun }) {
  const key = event.key.toLowerCase();
  if (key === "z") return () => (event.shiftKey ? store.redo() : store.undo());
  if (key === "y") return () => store.redo();
  if (key === "d") return () => duplicate(store);
  if (key === "a") {
    return () => store.select([...store.get().byId.keys()], store.get().graph.edges.map((edge) => edge.id));
  }
  if (key === "enter") return onRun;
  return null;
}

// From a field, a list or a menu beside the canvas Escape leads back to it. What a field closes first is its own
// affair: it then says that the key was used.
function leave(event, { wrapper, onLeave }) {
  const canvas = wrapper.current;
  if (event.key !== "Escape" || !canvas || canvas.contains(event.target) || event.target === document.body) {
    return false;
  }
  canvas.focus();
  onLeave();
  return true;
}

export function useShortcuts(context) {
  const now = useRef(context);
  now.current = context;
  const pointer = useRef(false);
  useEffect(() => {
    const { store, wrapper } = now.current;
    const keys = (event) => {
      // Keys in a dialog are its own. (React listens on the document too, so that it cannot keep them from us.)
      if (event.defaultPrevented || event.target.closest?.("[role=dialog]")) return;
      if (leave(event, now.current)) {
        event.preventDefault();
        return;
      }
      const typing = isTyping(event.target) || isTyping(document.activeElement);
      const control = event.ctrlKey || event.metaKey;
      if (now.current.quickOpen || event.altKey || (typing && !(control && event.key === "Enter"))) return;
      const act = (control ? controlKey : plainKey)(event, { ...now.current, pointer });
      if (!act) return;
      event.preventDefault();
      act();
    };
    const copy = (event) => {
      if (isTyping(event.target) || !store.get().nodes.length || String(window.getSelection())) return;
      event.clipboardData.setData("text/plain", selectionText(store));
      event.preventDefault();
      if (event.type === "cut") store.removeSelected();
    };
    const paste = (event) => {
      if (isTyping(event.target)) return;
      if (pasteText(store, event.clipboardData.getData("text/plain"))) event.preventDefault();
    };
    const watch = (event) => {
      pointer.current = Boolean(wrapper.current?.contains(event.target));
    };
    const listeners = { keydown: keys, copy, cut: copy, paste, pointerdown: watch };
    for (const [name, listener] of Object.entries(listeners)) document.addEventListener(name, listener);
    return () => {
      for (const [name, listener] of Object.entries(listeners)) document.removeEventListener(name, listener);
    };
  }, []);
}

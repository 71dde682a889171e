// The menu of the right mouse button on a node, a wire or the empty canvas.
import { useEffect, useRef } from "react";
import { duplicate, pasteText, selectionText, setDisabled } from "../editor/actions.js";
import { useStore } from "../editor/context.jsx";

// The browser may refuse the clipboard (no permission, plain HTTP); then what was copied here last is kept.
let kept = "";

export async function copySelection(store) {
  kept = selectionText(store);
  try {
    await navigator.clipboard.writeText(kept);
  } catch {
    // `kept` serves the next paste on this page.
  }
}

async function pasteAt(store, point) {
  let text = kept;
  try {
    text = (await navigator.clipboard.readText()) || kept;
  } catch {
    // As above.
  }
  if (!pasteText(store, text, point)) store.notify("The clipboard holds no nodes.", "info");
}

function itemsFor(store, { node, edge, point, onAdd, onOpen }) {
  const doc = store.get();
  if (edge) return [["Delete wire", "Del", () => store.edit([{ op: "remove_edge", id: edge }])]];
  if (!node) {
    return [
      ["Add a node…", "Tab", onAdd],
      ["Paste here", "Ctrl V", () => pasteAt(store, point)],
      ["Select all", "Ctrl A", () => store.select([...doc.byId.keys()])],
    ];
  }
  const ids = doc.nodes.includes(node) ? doc.nodes : [node];
  const off = Boolean(doc.byId.get(node)?.settings?.disabled);
  return [
    ...(ids.length === 1 ? [["Open", "Enter", onOpen], ["Rename", "F2", () => store.jump(node, "$label")]] : []),
    ["Copy", "Ctrl C", () => copySelection(store)],
    ["Duplicate", "Ctrl D", () => duplicate(store)],
    [off ? "Switch on" : "Switch off", "D", () => setDisabled(store, ids, !off)],
    [ids.length > 1 ? `Delete ${ids.length} nodes` : "Delete", "Del", () => store.removeSelected()],
  ];
}

export function ContextMenu(props) {
  const { x, y, node, onClose } = props;
  const store = useStore();
  const box = useRef(null);
  useEffect(() => {
    if (node && !store.get().nodes.includes(node)) store.select([node]);
    box.current.querySelector("button").focus();
    const close = (event) => !box.current?.contains(event.target) && onClose();
    document.addEventListener("pointerdown", close, true);
    return () => document.removeEventListener("pointerdown", close, true);
  }, [node, store, onClose]);
  const keys = (event) => {
    const buttons = [...box.current.querySelectorAll("button")];
    const at = buttons.indexOf(document.activeElement);
    if (event.key === "Escape" || event.key === "Tab") onClose();
    else if (event.key === "ArrowDown") buttons[(at + 1) % buttons.length].focus();
    else if (event.key === "ArrowUp") buttons[(at - 1 + buttons.length) % buttons.length].focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const items = itemsFor(store, props);
  const top = Math.min(y, window.innerHeight - items.length * 32 - 20);
  return (
    <div
      ref={box} className="context-menu card" role="menu" style={{ left: Math.min(x, window.innerWidth - 220), top }}
      onKeyDown={keys}
    >
      {items.map(([title, key, act]) => (
        <button key={title} type="button" role="menuitem" onClick={() => { onClose(); act(); }}>
          <span>{title}</span><span className="faint">{key}</span>
        </button>
      ))}
    </div>
  );
}

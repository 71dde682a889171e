// The list of node types on the left: search, drag, or add with Enter and double click.
import { forwardRef, useMemo, useState } from "react";
import { KindTile } from "../js/icons.jsx";
import { useEditor } from "../editor/context.jsx";
import { DRAG_TYPE, find, grouped } from "./search.js";

export const Palette = forwardRef(function Palette({ onAdd }, input) {
  const catalog = useEditor((state) => state.catalog);
  const [text, setText] = useState("");
  const types = useMemo(() => [...catalog.values()], [catalog]);
  const groups = useMemo(() => grouped(find(types, text), types), [types, text]);
  const add = (kind) => {
    onAdd(kind);
    setText("");
  };
  return (
    <div className="kinds" data-testid="palette-nodes">
      <div className="kinds-search">
        <input
          ref={input} className="input" type="search" value={text} placeholder={`Search ${types.length} nodes…`}
          aria-label="Search nodes"
          onChange={(event) => setText(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter" && groups[0]) add(find(types, text)[0].kind);
            if (event.key === "Escape") setText("");
          }}
        />
        {!text && <span className="kbd" aria-hidden="true">/</span>}
      </div>
      <div className="kinds-groups">
        {groups.map((group) => (
          <section key={group.name} aria-label={group.title}>
            <h2 className="kinds-group"><span>{group.title}</span><span>{group.types.length}</span></h2>
            {group.types.map((type) => (
              <button
                key={type.kind} type="button" className="kind" title={type.summary} draggable
                data-testid={`kind-${type.kind}`}
                onDragStart={(event) => {
                  event.dataTransfer.setData(DRAG_TYPE, type.kind);
                  event.dataTransfer.effectAllowed = "copy";
                }}
                onDoubleClick={() => add(type.kind)}
                onKeyDown={(event) => event.key === "Enter" && (event.preventDefault(), add(type.kind))}
              >
                <KindTile type={type} size={22} />{type.title}
              </button>
            ))}
          </section>
        ))}
        {!groups.length && <p className="faint kinds-none">No node fits “{text}”.</p>}
      </div>
    </div>
  );
});

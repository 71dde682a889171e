// The editor's store, at hand in every part of the page.
import { createContext, useContext, useSyncExternalStore } from "react";

export const EditorContext = createContext(null);

export const useStore = () => useContext(EditorContext);

// Reads a part of the editor's state; `pick` returns something that stays the same while it did not change.
export function useEditor(pick) {
  const store = useStore();
  return useSyncExternalStore(store.subscribe, () => pick(store.get()), () => pick(store.get()));
}

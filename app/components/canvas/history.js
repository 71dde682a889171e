// Undo and redo: entries of ops with the ops that undo them.

const LIMIT = 200;
const MERGE_WITHIN_MS = 2000;

export class History {
  constructor(limit = LIMIT) {
    this.limit = limit;
    this.done = [];
    this.undone = [];
  }

  // Remembers a change. Changes with the same `merge` key that follow each other quickly are one entry.
  push({ ops, inverse, merge = null, at = Date.now() }) {
    const last = this.done.at(-1);
    this.undone = [];
    if (merge !== null && last && last.merge === merge && at - last.at < MERGE_WITHIN_MS) {
      this.done[this.done.length - 1] = {
        ops: [...last.ops, ...ops],
        inverse: [...inverse, ...last.inverse],
        merge,
        at,
      };
      return;
    }
    this.done.push({ ops, inverse, merge, at });
    if (this.done.length > this.limit) this.done.shift();
  }

  // Returns the ops that undo the last change, or null.
  undo() {
    const entry = this.done.pop();
    if (!entry) return null;
    this.undone.push(entry);
    return entry.inverse;
  }

  // Returns the ops of the change undone last, or null.
  redo() {
    const entry = this.undone.pop();
    if (!entry) return null;
    this.done.push({ ...entry, merge: null });
    return entry.ops;
  }

  get canUndo() {
    return this.done.length > 0;
  }

  get canRedo() {
    return this.undone.length > 0;
  }
}

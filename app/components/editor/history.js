// Undo and redo: entries of ops with the ops that undo them.
import { meet, places } from "./ops.js";

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

  // Somebody else changed these places: what was done there before is not undone any more.
  overtake(touched) {
    const overtaken = (entry) =>
      entry.ops.some((op) => places(op).some((mine) => touched.some((theirs) => meet(mine, theirs))));
    const mark = (entry) => (!entry.overtaken && overtaken(entry) ? { ...entry, overtaken: true, merge: null } : entry);
    this.done = this.done.map(mark);
    this.undone = this.undone.map(mark);
  }

  // Takes the last change and returns {ops}, those that undo it, or {overtaken: true}; null when there is none.
  undo() {
    const entry = this.done.pop();
    if (!entry || entry.overtaken) return entry ? { overtaken: true } : null;
    this.undone.push(entry);
    return { ops: entry.inverse };
  }

  // Takes the change undone last and returns {ops}, or {overtaken: true}; null when there is none.
  redo() {
    const entry = this.undone.pop();
    if (!entry || entry.overtaken) return entry ? { overtaken: true } : null;
    this.done.push({ ...entry, merge: null });
    return { ops: entry.ops };
  }

  get canUndo() {
    return this.done.length > 0;
  }

  get canRedo() {
    return this.undone.length > 0;
  }
}

// What others change in the open workflow, in the order of its revisions; a gap means that the draft is loaded again.
import { parse } from "../js/exact.js";

// `sync` knows the revision and what of ours is on its way; `apply(ops)` says whether the ops fitted; `load()` loads
// the draft again and resolves to its revision.
export class Follower {
  constructor({ sync, apply, load }) {
    Object.assign(this, { sync, apply, load });
    this.chain = Promise.resolve();
  }

  // Takes {revision, client?, ops?}; messages are worked through one after the other.
  hear(message) {
    this.chain = this.chain.then(() => this.take(message)).catch(() => {});
    return this.chain;
  }

  async take({ revision, client, ops }) {
    const { sync } = this;
    if (revision <= sync.revision) return;
    const next = revision === sync.revision + 1;
    // What we sent ourselves is in our graph already.
    if (next && client && client === sync.client) {
      sync.revision = revision;
      if (sync.flying) sync.flying.made = true;
    }
    else if (next && ops && this.apply(ops)) sync.revision = revision;
    else await this.load();
  }
}

// Stores by their workflow. The server pushes to `window.agentloomEdits.push`; pushes from before this script was
// loaded wait in `queue`.
const open = new Map();

const push = (text) => {
  const { workflow_id: id, ...message } = parse(text);
  open.get(id)?.hear(message);
};

if (typeof window !== "undefined") {
  const early = window.agentloomEdits?.queue ?? [];
  window.agentloomEdits = { push };
  for (const text of early) queueMicrotask(() => push(text));
}

// Lets a follower hear of a workflow's edits. Returns the way to stop.
export function listen(workflowId, follower) {
  open.set(workflowId, follower);
  return () => open.get(workflowId) === follower && open.delete(workflowId);
}

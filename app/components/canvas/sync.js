// Brings edits to the server: one batch in flight, the rest kept, resent until it is acknowledged.

const MAX_OPS = 500;
const WAITS_MS = [1000, 2000, 4000, 8000, 10000];

// `send({base_revision, client, seq, ops})` resolves to the server's EditResult or throws with `status`
// (0: not reached). `on.state(state)` hears saved, saving, offline or refused; `on.saved(result)`,
// `on.behind()` (must load the draft again and resolves to its revision) and `on.refused(error)` the outcome.
// `storage` keeps unacknowledged batches over a reload: getItem, setItem, removeItem.
export class Sync {
  constructor({ send, on, storage = null, key = "", client, wait = (job, ms) => setTimeout(job, ms) }) {
    Object.assign(this, { send, on, storage, key, client, wait });
    this.revision = 0;
    this.seq = 0;
    this.waiting = [];
    this.flying = null;
    this.failures = 0;
    this.state = "saved";
    this.timer = null;
  }

  // Edits the server has not acknowledged, oldest first.
  get pending() {
    return [...(this.flying ? this.flying.ops : []), ...this.waiting];
  }

  push(ops) {
    this.waiting.push(...ops);
    this.keep();
    if (this.state !== "offline") this.tell("saving");
    this.flush();
  }

  // Takes up edits a closed page left behind; they were made on `left.base_revision`. Returns their ops.
  restore() {
    const left = this.read();
    if (!left) return [];
    this.client = left.client;
    this.seq = left.seq;
    this.flying = left.flying ? { ...left.flying, sent: false } : null;
    this.waiting = left.waiting;
    if (this.pending.length) this.tell("saving");
    return this.pending;
  }

  // Tries again now, for instance because the browser is online again.
  retry() {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    this.flush();
  }

  async flush() {
    if (this.timer !== null || (this.flying && this.flying.sent)) return;
    if (!this.flying) {
      if (!this.waiting.length) return;
      this.seq += 1;
      this.flying = { seq: this.seq, base_revision: this.revision, ops: this.waiting.splice(0, MAX_OPS) };
      this.keep();
    }
    const batch = this.flying;
    batch.sent = true;
    try {
      const result = await this.send({
        base_revision: batch.base_revision, client: this.client, seq: batch.seq, ops: batch.ops,
      });
      await this.acknowledged(result);
    } catch (error) {
      this.failed(error);
    }
  }

  async acknowledged(result) {
    this.flying = null;
    this.failures = 0;
    this.revision = result.revision;
    this.keep();
    if (result.behind) this.revision = (await this.on.behind()) ?? this.revision;
    this.tell(this.waiting.length ? "saving" : "saved");
    this.on.saved(result);
    this.flush();
  }

  failed(error) {
    const again = [undefined, 0, 401, 408, 429].includes(error.status) || error.status >= 500;
    if (!again) {
      this.flying = null;
      this.waiting = [];
      this.keep();
      this.tell("refused");
      this.on.refused(error);
      return;
    }
    this.flying.sent = false;
    this.tell("offline", error);
    const pause = WAITS_MS[Math.min(this.failures, WAITS_MS.length - 1)];
    this.failures += 1;
    this.timer = this.wait(() => this.retry(), pause);
  }

  tell(state, error = null) {
    this.state = state;
    this.on.state(state, this.pending.length, error);
  }

  keep() {
    if (!this.storage) return;
    const { client, seq, flying, waiting } = this;
    try {
      if (!flying && !waiting.length) this.storage.removeItem(this.key);
      else this.storage.setItem(this.key, JSON.stringify({ client, seq, flying, waiting }));
    } catch {
      // A full or forbidden storage costs only the safety net; the edits are still sent.
    }
  }

  read() {
    try {
      return JSON.parse(this.storage?.getItem(this.key) ?? "null");
    } catch {
      return null;
    }
  }
}

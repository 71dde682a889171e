// Brings edits to the server: one batch in flight, the rest kept, resent until it is acknowledged.
import { parse, write } from "../js/exact.js";

const MAX_OPS = 500;
const WAITS_MS = [1000, 2000, 4000, 8000, 10000];
const ABANDONED_MS = 300_000; // timers of a tab in the background run once a minute

// `send({base_revision, client, seq, ops})` resolves to the server's EditResult or throws with `status`
// (0: not reached). `on.state(state)` hears saved, saving, offline or refused; `on.saved(result)`,
// `on.behind(revision)` (must learn of all edits up to it and resolves to the revision then known),
// `on.overtaken([{op, value}])` (edits of what somebody else changed first, with what is there now) and
// `on.refused(error)` the outcome. `storage` keeps unacknowledged batches over a reload, each tab its own.
export class Sync {
  constructor({ send, on, storage = null, key = "", client, wait = (job, ms) => setTimeout(job, ms), now = Date.now }) {
    Object.assign(this, { send, on, storage, key, client, wait, now });
    this.revision = 0;
    this.seq = 0;
    this.waiting = [];
    this.flying = null;
    this.failures = 0;
    this.state = "saved";
    this.timer = null;
    this.held = 0;
    this.landed = Promise.resolve();
  }

  // Edits the server has not acknowledged, oldest first.
  get pending() {
    return [...(this.flying ? this.flying.ops : []), ...this.waiting];
  }

  // Those of them that the server is not known to have made.
  get unsettled() {
    return this.flying?.made ? [...this.waiting] : this.pending;
  }

  // Takes back edits that were not sent yet.
  withdraw(which) {
    this.waiting = this.waiting.filter((op) => !which(op));
    this.keep();
  }

  push(ops) {
    this.waiting.push(...ops);
    this.keep();
    if (this.state !== "offline") this.tell("saving");
    this.flush();
  }

  // Takes up edits that a closed page left behind. Returns their ops.
  restore() {
    const left = this.abandoned();
    if (!left) return [];
    this.client = left.client;
    this.seq = left.seq;
    this.flying = left.flying ? { ...left.flying, sent: false } : null;
    this.waiting = left.waiting;
    this.keep();
    if (this.pending.length) this.tell("saving");
    return this.pending;
  }

  // The page goes: what it could not send is for the next one.
  leave() {
    this.keep(true);
  }

  // Does a job while nothing is on its way to the server, such as loading the draft.
  async still(job) {
    this.held += 1;
    try {
      await this.landed;
      return await job();
    } finally {
      this.held -= 1;
      this.flush();
    }
  }

  // Tries again now, for instance because the browser is online again.
  retry() {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    this.flush();
  }

  async flush() {
    if (this.held || this.timer !== null || (this.flying && this.flying.sent)) return;
    if (!this.flying) {
      if (!this.waiting.length) return;
      this.seq += 1;
      this.flying = { seq: this.seq, base_revision: this.revision, ops: this.waiting.splice(0, MAX_OPS) };
      this.keep();
    }
    const batch = this.flying;
    batch.sent = true;
    let land;
    this.landed = new Promise((done) => { land = done; });
    try {
      const result = await this.send({
        base_revision: batch.base_revision, client: this.client, seq: batch.seq, ops: batch.ops,
      });
      await this.acknowledged(result, batch, land);
    } catch (error) {
      this.failed(error, land);
    }
  }

  async acknowledged(result, { ops }, land) {
    this.flying = null;
    this.failures = 0;
    const overtaken = result.overtaken ?? [];
    const indices = new Set(overtaken.map(({ index }) => index));
    // With one edit overtaken none was applied: the others go again.
    if (indices.size) this.waiting.unshift(...ops.filter((_, i) => !indices.has(i)));
    this.keep();
    land();
    if (indices.size) this.on.overtaken(overtaken.map(({ index, value }) => ({ op: ops[index], value })));
    else await this.reached(result);
    this.tell(this.waiting.length ? "saving" : "saved");
    this.on.saved(result);
    this.flush();
  }

  async reached({ revision, behind }) {
    if (revision <= this.revision) return;
    if (!behind || revision === this.revision + 1) {
      this.revision = revision;
      return;
    }
    this.held += 1; // what others did before comes first
    try {
      this.revision = (await this.on.behind(revision)) ?? revision;
    } finally {
      this.held -= 1;
    }
  }

  failed(error, land) {
    const again = [undefined, 0, 401, 408, 429].includes(error.status) || error.status >= 500;
    if (!again) {
      const refused = error.context?.index;
      const rest = Number.isInteger(refused) ? this.flying.ops.filter((_, i) => i !== refused) : [];
      this.flying = null;
      this.waiting = Number.isInteger(refused) ? [...rest, ...this.waiting] : [];
      this.keep();
      land();
      this.tell("refused");
      this.on.refused(error);
      this.flush();
      return;
    }
    this.flying.sent = false;
    this.keep();
    land();
    this.tell("offline", error);
    const pause = WAITS_MS[Math.min(this.failures, WAITS_MS.length - 1)];
    this.failures += 1;
    this.timer = this.wait(() => this.retry(), pause);
  }

  tell(state, error = null) {
    this.state = state;
    this.on.state(state, this.pending.length, error);
  }

  keep(left = false) {
    if (!this.storage) return;
    const { client, seq, flying, waiting } = this;
    const key = `${this.key}.${client}`;
    try {
      if (!flying && !waiting.length) this.storage.removeItem(key);
      else this.storage.setItem(key, write({ client, seq, flying, waiting, left, at: this.now() }));
    } catch {
      // A full or forbidden storage costs only the safety net; the edits are still sent.
    }
  }

  // What a page kept that is gone: it said so, or was not heard for long.
  abandoned() {
    try {
      const keys = Object.keys(this.storage ?? {}).filter((key) => key.startsWith(`${this.key}.`));
      const found = keys.map((key) => parse(this.storage.getItem(key)));
      return found.find(({ left, at }) => left || this.now() - at > ABANDONED_MS) ?? null;
    } catch {
      return null;
    }
  }
}

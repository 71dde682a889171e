// React's view of the live store: a component renders again when its run or its node changes.
import { useCallback, useEffect, useState, useSyncExternalStore } from "react";
import { live } from "./live.js";

export function useRun(runId) {
  const subscribe = useCallback((listener) => (runId ? live.subscribe(runId, listener) : () => {}), [runId]);
  useSyncExternalStore(subscribe, () => (runId ? live.versionOf(runId) : 0), () => 0);
  return runId ? live.get(runId) : null;
}

export function useNodeRun(runId, nodeId) {
  const subscribe = useCallback(
    (listener) => (runId ? live.subscribe(runId, listener, nodeId) : () => {}),
    [runId, nodeId],
  );
  return useSyncExternalStore(subscribe, () => (runId ? live.node(runId, nodeId) : null), () => null);
}

// What streams into a node right now, at most its last `limit` characters.
export function useNodeText(runId, nodeId, limit = 60) {
  const subscribe = useCallback(
    (listener) => (runId ? live.subscribe(runId, listener, nodeId) : () => {}),
    [runId, nodeId],
  );
  return useSyncExternalStore(subscribe, () => (runId ? live.nodeText(runId, nodeId).slice(-limit) : ""), () => "");
}

export function useWireState(runId, source, sourcePort, target) {
  const subscribe = useCallback(
    (listener) => {
      if (!runId) return () => {};
      const stops = [live.subscribe(runId, listener, source), live.subscribe(runId, listener, target)];
      return () => stops.forEach((stop) => stop());
    },
    [runId, source, target],
  );
  return useSyncExternalStore(subscribe, () => (runId ? live.wire(runId, source, sourcePort, target) : ""), () => "");
}

// The time, ticking while `on`; for clocks of what is going on.
export function useNow(on, everyMs = 200) {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (!on) return undefined;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [on, everyMs]);
  return now;
}

// The events of a run as they are stored; only those in sight are drawn.

import { useEffect, useReducer, useState } from "react";
import { Virtuoso } from "react-virtuoso";
import { api } from "../js/api.js";

/** The stored events, page by page: the next one when the end comes into sight, or the run goes on. */
function useLog(runId, seq) {
  const [log, setLog] = useState({ events: [], whole: false, error: null });
  const [wish, ask] = useReducer((count) => count + 1, 0);
  const { events, whole } = log;
  useEffect(() => {
    let gone = false;
    const read = () => api("GET", `/api/runs/${runId}/log?cursor=${events.at(-1)?.seq ?? 0}`).then(
      (page) => !gone && setLog({ events: [...events, ...page.items], whole: page.next_cursor === null, error: null }),
      (error) => !gone && setLog((old) => ({ ...old, error })));
    const timer = setTimeout(read, events.length ? 400 : 0);
    return () => { gone = true; clearTimeout(timer); };
  }, [runId, seq, wish]);
  return { ...log, more: () => whole || ask() };
}

function LogLine({ event }) {
  const at = new Date(event.at);
  return (
    <div className="tx-log-line">
      <time dateTime={event.at}>
        {at.toLocaleTimeString("en", { hour12: false })}.{String(at.getMilliseconds()).padStart(3, "0")}
      </time>
      <em>{event.type}</em>
      <span>
        {event.path
          ?? ""} {event.payload.message ?? event.payload.step?.error?.message ?? event.payload.step?.preview
            ?? event.payload.span?.name
            ?? event.payload.run?.status
            ?? ""}
      </span>
    </div>
  );
}

export function Log({ runId, seq }) {
  const { events, error, more } = useLog(runId, seq);
  if (error) return <p className="tx-empty" role="alert">{error.message}</p>;
  if (!events.length) return <p className="tx-empty">Loading …</p>;
  return (
    <Virtuoso
      className="tx-log" role="log" data={events} increaseViewportBy={200} computeItemKey={(_, event) => event.seq}
      endReached={more}
      itemContent={(_, event) => <LogLine event={event} />}
    />
  );
}

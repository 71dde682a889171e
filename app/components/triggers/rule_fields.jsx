// When a schedule comes: a few everyday choices, or a cron rule by hand.
import { CircleAlert } from "lucide-react";
import { DAYS, EVERY, KINDS } from "./rule.js";

const MONTH_DAYS = [...Array(31).keys()].map((n) => String(n + 1));

function Choice({ label, value, onChange, options, testid }) {
  return (
    <select
      className="input" aria-label={label} value={value} onChange={(event) => onChange(event.target.value)}
      data-testid={testid}
    >
      {options.map(([key, words]) => <option key={key} value={key}>{words}</option>)}
    </select>
  );
}

function Time({ rule, onChange }) {
  return <><span className="muted">at</span><input type="time" className="input sched-time" aria-label="Time of day"
    value={rule.time} required
    onChange={(event) => event.target.value && onChange({ time: event.target.value })} data-testid="rule-time" /></>;
}

function Days({ rule, onChange }) {
  const flip = (day) => {
    const days = rule.days.includes(day) ? rule.days.filter((one) => one !== day) : [...rule.days, day];
    if (days.length) onChange({ days });
  };
  return (
    <div className="row wrap" role="group" aria-label="Days of the week">
      {DAYS.map(([day, name]) => (
        <button
          key={day} type="button" className="badge chip" aria-pressed={rule.days.includes(day)}
          onClick={() => flip(day)} data-testid={`rule-day-${day}`}
        >
          {name}
        </button>
      ))}
    </div>
  );
}

const minuteOf = (text) => Math.min(59, Math.max(0, Math.trunc(Number(text)) || 0));

export function RuleFields({ rule, onChange, error, cron }) {
  const timed = ["daily", "weekdays", "weekly", "monthly"].includes(rule.kind);
  const late = rule.kind === "monthly" && Number(rule.day) > 28;
  return (
    <div className="field" role="group" aria-labelledby="sched-when">
      <span className="field-label" id="sched-when">When</span>
      <div className="row wrap sched-rule">
        <Choice
          label="How often" value={rule.kind} options={KINDS}
          onChange={(kind) => onChange({ kind, ...(kind === "custom" ? { cron } : {}) })} testid="rule-kind"
        />
        {rule.kind === "minutes" && (
          <Choice
            label="Minutes between two times" value={rule.every}
            options={EVERY.map((n) => [n, n === 1 ? "every minute" : `every ${n} minutes`])}
            onChange={(every) => onChange({ every: Number(every) })} testid="rule-every"
          />
        )}
        {rule.kind === "hourly" && (
          <>
            <span className="muted">at minute</span>
            <input
              type="number" min={0} max={59} className="input sched-time" aria-label="Minute of the hour"
              value={rule.minute} onChange={(event) => onChange({ minute: minuteOf(event.target.value) })}
              data-testid="rule-minute"
            />
          </>
        )}
        {rule.kind === "monthly" && (
          <>
            <span className="muted">on</span>
            <Choice
              label="Day of the month" value={rule.day}
              options={[...MONTH_DAYS.map((n) => [n, `day ${n}`]), ["L", "the last day"]]}
              onChange={(day) => onChange({ day })} testid="rule-monthday"
            />
          </>
        )}
        {timed && <Time rule={rule} onChange={onChange} />}
        {rule.kind === "custom" && (
          <input
            id="sched-cron" className="input mono sched-cron" aria-label="Cron rule"
            aria-invalid={Boolean(error) || undefined} aria-describedby={error ? "sched-cron-error" : "sched-cron-hint"}
            value={rule.cron} spellCheck={false} autoComplete="off" maxLength={200}
            onChange={(event) => onChange({ cron: event.target.value })} data-testid="rule-cron"
          />
        )}
      </div>
      {rule.kind === "weekly" && <Days rule={rule} onChange={onChange} />}
      {rule.kind === "custom" && !error && (
        <span className="field-hint" id="sched-cron-hint">
          Minute, hour, day of the month, month, day of the week. Also L, LW, MON#1, and names such as @daily.
        </span>
      )}
      {late && !error && (
        <span className="field-hint">
          Shorter months are left out. Take the last day if you mean the end of each month.
        </span>
      )}
      {error && (
        <span className="field-error" id="sched-cron-error" role="alert">
          <CircleAlert size={12} aria-hidden="true" />{error}
        </span>
      )}
    </div>
  );
}

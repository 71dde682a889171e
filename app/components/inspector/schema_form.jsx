// A form drawn from a JSON Schema, nested as deep as it goes.
import { useId, useMemo, useState } from "react";
import { ChevronDown, ChevronRight, ChevronUp, Plus, SquareFunction, X } from "lucide-react";
import { ExpressionField } from "./expression.jsx";
import { PlaceContext, useForm } from "./form_context.jsx";
import { blank, canToggle, fieldsOf, isExpression, isShown, itemTitle, resolve, widgetOf } from "./schema.js";
import {
  ChoiceField, CodeField, JsonField, KeyInput, KeyValueField, ModelField, NumberField, SchemaField, SwitchField,
  WorkflowField,
} from "./widgets.jsx";
import { write } from "../js/exact.js";

const key = (path) => path.join(".");

// Errors below a path: those of the field itself, and those that lie deeper than any field shown.
function errorsAt(errors, path) {
  return errors[key(path)] ?? [];
}

function TextField({ field, value, onCommit, label, invalid, rows }) {
  if (field.mode === "literal") {
    return rows > 1
      ? <JsonLikeText
        value={value} onCommit={onCommit} label={label} placeholder={field.placeholder} invalid={invalid}
      />
      : <KeyInput
        value={value ?? ""} onCommit={onCommit} label={label} placeholder={field.placeholder} invalid={invalid}
      />;
  }
  return (
    <ExpressionField
      value={value} onCommit={onCommit} rows={rows} placeholder={field.placeholder} label={label} invalid={invalid}
    />
  );
}

function JsonLikeText(props) {
  return (
    <JsonField
      {...props} field={{ placeholder: props.placeholder }} literal
      onCommit={(value) => props.onCommit(typeof value === "string" ? value : value === null ? "" : write(value))}
    />
  );
}

const WIDGETS = {
  text: (props) => <TextField {...props} rows={1} />,
  prompt: (props) => <TextField {...props} rows={3} />,
  expression: (props) => <ExpressionField {...props} mode="expression" placeholder={props.field.placeholder} />,
  code: (props) => <CodeField {...props} language={props.field.language} />,
  number: NumberField,
  switch: SwitchField,
  choice: ChoiceField,
  model: ModelField,
  key_value: (props) => <KeyValueField {...props} literal={props.field.mode === "literal"} />,
  json: (props) => <JsonField {...props} literal={props.field.mode === "literal"} />,
  schema: SchemaField,
  workflow: WorkflowField,
};

// A plain item of a list.
function Line({ field, root, value, path, onChange, title, onRemove }) {
  return (
    <div className="item-line" data-field={key(path)}>
      <Widget field={{ ...field, title }} root={root} value={value} path={path} onChange={onChange} label={title} />
      <button type="button" className="icon-button" aria-label={`Remove ${title}`} onClick={onRemove}>
        <X size={13} />
      </button>
    </div>
  );
}

// An item with fields of its own, which can be folded and moved.
function Group({ schema, root, value, path, onChange, mode, title, open, onFlip, onUp, onDown, onRemove }) {
  return (
    <div className="item card">
      <div className="item-head">
        <button type="button" className="item-title" aria-expanded={open} onClick={onFlip}>
          {open ? <ChevronDown size={13} /> : <ChevronRight size={13} />}
          <span className="truncate-1">{title}</span>
        </button>
        <button type="button" className="icon-button" aria-label={`Move ${title} up`} disabled={!onUp} onClick={onUp}>
          <ChevronUp size={13} />
        </button>
        <button
          type="button" className="icon-button" aria-label={`Move ${title} down`} disabled={!onDown} onClick={onDown}
        >
          <ChevronDown size={13} />
        </button>
        <button type="button" className="icon-button" aria-label={`Remove ${title}`} onClick={onRemove}>
          <X size={13} />
        </button>
      </div>
      {open && <Fields schema={schema} root={root} value={value} path={path} onChange={onChange} mode={mode} />}
    </div>
  );
}

function Items({ field, root, value, path, onChange, label }) {
  const items = Array.isArray(value) ? value : [];
  const inner = resolve(field.items ?? {}, root);
  const [open, setOpen] = useState(() => new Set(items.length <= 3 ? items.keys() : []));
  const grouped = inner.type === "object" && inner.properties;
  const flip = (i) => setOpen((before) => {
    const after = new Set(before);
    if (!after.delete(i)) after.add(i);
    return after;
  });
  const move = (i, by) => {
    const next = [...items];
    [next[i], next[i + by]] = [next[i + by], next[i]];
    onChange(path, next);
  };
  const add = () => {
    setOpen((before) => new Set(before).add(items.length));
    onChange(path, [...items, blank(inner, root)]);
  };
  const remove = (i) => onChange(path, items.filter((_, at) => at !== i));
  return (
    <div className="items" role="group" aria-label={label}>
      {items.map((item, i) => {
        const shared = { root, value: item, path: [...path, i], onChange, title: itemTitle(item, i) };
        if (!grouped) {
          return <Line key={i} {...shared} field={{ ...inner, mode: field.mode }} onRemove={() => remove(i)} />;
        }
        return (
          <Group
            key={i} {...shared} schema={inner} mode={field.mode} open={open.has(i)} onFlip={() => flip(i)}
            onUp={i > 0 ? () => move(i, -1) : null} onDown={i < items.length - 1 ? () => move(i, 1) : null}
            onRemove={() => remove(i)}
          />
        );
      })}
      <button
        type="button" className="btn btn-ghost btn-sm" onClick={add}
        disabled={items.length >= (field.maxItems ?? Infinity)}
      >
        <Plus size={12} />Add
      </button>
    </div>
  );
}

function Widget({ field, root, value, path, onChange, label, invalid }) {
  const widget = widgetOf(field);
  const commit = (next) => onChange(path, next);
  if (canToggle(field, widget) && isExpression(value)) {
    return <ExpressionField value={value} onCommit={commit} label={label} invalid={invalid} />;
  }
  if (widget === "list" || widget === "fields") {
    return <Items field={field} root={root} value={value} path={path} onChange={onChange} label={label} />;
  }
  if (widget === "group") {
    return (
      <div className="group">
        <Fields schema={field} root={root} value={value ?? {}} path={path} onChange={onChange} mode={field.mode} />
      </div>
    );
  }
  const Drawn = WIDGETS[widget] ?? WIDGETS.json;
  return <Drawn field={field} value={value} onCommit={commit} label={label} invalid={invalid} />;
}

function Field({ name, field, root, value, path, onChange, required }) {
  const { errors, id, nodeId } = useForm();
  const label = field.title ?? name;
  const spot = key(path);
  const place = useMemo(
    () => (nodeId ? { key: `node.${nodeId}.config.${spot}`, title: label } : null), [nodeId, spot, label],
  );
  const widget = widgetOf(field);
  const found = errorsAt(errors, path);
  const hint = useId();
  const toggle = canToggle(field, widget);
  const on = toggle && isExpression(value);
  const across = widget === "switch" && !on;
  return (
    <div className={`form-field ${across ? "across" : ""}`} data-field={key(path)} id={`${id}-${key(path)}`}>
      <div className="form-label">
        <span>{label}</span>
        <span className="form-label-end">
          {required && <span className="faint">required</span>}
          {toggle && (
            <button type="button" className="fx" aria-pressed={on}
              title={on ? "Use a fixed value" : "Use an expression"} aria-label={`Expression for ${label}`}
              onClick={() => onChange(path, on ? blank(field, root) : "{{ input }}")}>
              <SquareFunction size={13} />
            </button>
          )}
        </span>
      </div>
      <PlaceContext.Provider value={place}>
        <Widget
          field={field} root={root} value={value} path={path} onChange={onChange} label={label}
          invalid={found.length > 0}
        />
      </PlaceContext.Provider>
      {field.description && <div className="field-hint" id={hint}>{field.description}</div>}
      {found.map((message) => <div key={message} className="field-error" role="alert">{message}</div>)}
    </div>
  );
}

export function Fields({ schema, root, value, path, onChange, mode = null }) {
  const { openAdvanced } = useForm();
  const [more, setMore] = useState(false);
  const all = fieldsOf(schema, root, mode).filter(({ field }) => isShown(field, value));
  const draw = ({ name, field }) => (
    <Field
      key={name} name={name} field={field} root={root} value={value?.[name] ?? field.default} path={[...path, name]}
      onChange={onChange}
      required={schema.required?.includes(name) || (field.minLength ?? field.minItems ?? 0) > 0}
    />
  );
  const advanced = all.filter(({ field }) => field.advanced);
  const shown = more || openAdvanced;
  return (
    <>
      {all.filter(({ field }) => !field.advanced).map(draw)}
      {advanced.length > 0 && (
        <button type="button" className="advanced" aria-expanded={shown} onClick={() => setMore(!more)}>
          {shown ? <ChevronDown size={13} /> : <ChevronRight size={13} />}Advanced
        </button>
      )}
      {shown && advanced.map(draw)}
    </>
  );
}

// The whole form. `onChange(path, value)` gets finished edits.
export function SchemaForm({ schema, value, onChange }) {
  return (
    <div className="schema-form">
      <Fields schema={schema ?? {}} root={schema ?? {}} value={value} path={[]} onChange={onChange} />
    </div>
  );
}

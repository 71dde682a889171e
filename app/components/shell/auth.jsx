// Sign in and sign up: plain requests, because only an HTTP answer can set the session cookie.

import { useEffect, useRef, useState } from "react";
import { Check, Circle, CircleAlert, Eye, EyeOff, LoaderCircle } from "lucide-react";
import { api, ApiError, cookie } from "../js/api.js";

const MIN_PASSWORD = 10;
const EMAIL = /^[^@\s]+@[^@\s.]+(\.[^@\s.]+)+$/;

// The rules that can be told in the browser; the server knows a few more and says so.
export function rules({ password, email, name }) {
  const own = [
    email, email.split("@")[0], name, name.replaceAll(" ", ""),
  ].filter(Boolean).map((text) => text.toLowerCase());
  return [
    { words: `At least ${MIN_PASSWORD} characters`, met: password.length >= MIN_PASSWORD },
    { words: "At least four different characters", met: new Set(password.toLowerCase()).size >= 4 },
    { words: "Not your name or e-mail address", met: password.length > 0 && !own.includes(password.toLowerCase()) },
  ];
}

export function faults(mode, values) {
  const found = {};
  if (mode === "register" && !values.name.trim()) found.name = "Enter your name.";
  if (!values.email.trim()) found.email = "Enter your e-mail address.";
  else if (!EMAIL.test(values.email.trim())) {
    found.email = "This is not an e-mail address. It looks like ada@example.com.";
  }
  if (!values.password) found.password = "Enter a password.";
  else if (mode === "register" && rules(values).some((rule) => !rule.met)) {
    found.password = "The password does not fit the rules below.";
  }
  return found;
}

function Field({ id, label, error, hint, children }) {
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {children}
      {error && (
        <span id={`${id}-error`} className="field-error" role="alert">
          <CircleAlert size={12} aria-hidden="true" />{error}
        </span>
      )}
      {hint}
    </div>
  );
}

function Rules({ values }) {
  return (
    <ul className="rules" id="password-rules" aria-label="Rules for the password">
      {rules(values).map(({ words, met }) => (
        <li key={words} data-met={met}>
          {met ? <Check size={12} aria-hidden="true" /> : <Circle size={12} aria-hidden="true" />}
          {words}<span className="sr-only">{met ? " (met)" : " (not met yet)"}</span>
        </li>
      ))}
    </ul>
  );
}

async function enter(mode, values) {
  const account = { email: values.email.trim(), password: values.password };
  if (mode === "register") {
    await api("POST", "/api/auth/register", { name: values.name.trim(), ...account });
    if (cookie("agentloom_csrf")) return;
  }
  await api("POST", "/api/auth/login", account);
}

export function AuthForm({ mode = "login", next = "/" }) {
  const registering = mode === "register";
  const [values, setValues] = useState({ name: "", email: "", password: "" });
  const [errors, setErrors] = useState({});
  const [shown, setShown] = useState(false);
  const [busy, setBusy] = useState(false);
  const form = useRef(null);
  useEffect(() => { form.current?.querySelector("input")?.focus(); }, []);

  const fail = (found) => {
    setErrors(found);
    const first = ["name", "email", "password"].find((key) => found[key]);
    if (first) form.current?.querySelector(`#${first}`)?.focus();
  };
  const submit = async (event) => {
    event.preventDefault();
    const found = faults(mode, values);
    if (Object.keys(found).length > 0) return fail(found);
    setBusy(true);
    setErrors({});
    try {
      await enter(mode, values);
      window.agentloomSession.entered(next);
    } catch (error) {
      setBusy(false);
      if (!(error instanceof ApiError)) throw error;
      const field = error.context?.field ?? error.context?.context?.field;
      fail(["name", "email", "password"].includes(field) ? { [field]: error.message } : { form: error.message });
    }
    return undefined;
  };
  const input = (key, props) => ({
    id: key, name: key, className: "input input-lg", value: values[key], required: true, "data-testid": key,
    "aria-invalid": errors[key] ? true : undefined,
    "aria-describedby": errors[key] ? `${key}-error` : props.describedBy,
    onChange: (event) => {
      setValues({ ...values, [key]: event.target.value });
      if (errors[key] || errors.form) setErrors({ ...errors, [key]: undefined, form: undefined });
    },
  });

  return (
    <form ref={form} noValidate onSubmit={submit} aria-label={registering ? "Create an account" : "Sign in"}>
      {errors.form && (
        <div
          className="callout callout-err" role="alert" data-testid="form-error"
        >
          <CircleAlert size={15} aria-hidden="true" />{errors.form}
        </div>
      )}
      {registering && (
        <Field id="name" label="Name" error={errors.name}>
          <input type="text" autoComplete="name" maxLength={100} {...input("name", {})} />
        </Field>
      )}
      <Field id="email" label="E-mail" error={errors.email}>
        <input
          type="email" autoComplete={registering ? "email" : "username"} inputMode="email" {...input("email", {})}
        />
      </Field>
      <Field id="password" label="Password" error={errors.password} hint={registering && <Rules values={values} />}>
        <div className="password">
          <input type={shown ? "text" : "password"} autoComplete={registering ? "new-password" : "current-password"}
            maxLength={256}
            {...input("password", { describedBy: registering ? "password-rules" : undefined })} />
          <button
            type="button" className="btn btn-ghost btn-sm" aria-pressed={shown} onClick={() => setShown(!shown)}
            aria-label={shown ? "Hide the password" : "Show the password"}
          >
            {shown ? <EyeOff size={14} aria-hidden="true" /> : <Eye size={14} aria-hidden="true" />}
          </button>
        </div>
      </Field>
      <button type="submit" className="btn btn-primary btn-lg" disabled={busy} data-testid="submit">
        {busy && <LoaderCircle size={14} className="spin" aria-hidden="true" />}
        {registering ? "Create account" : "Sign in"}
      </button>
    </form>
  );
}

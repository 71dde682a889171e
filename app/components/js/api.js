// Calls of our REST API from the browser, with the session cookie and the CSRF header.
import { parse, write } from "./exact.js";

export class ApiError extends Error {
  constructor(status, problem) {
    super(problem.message);
    this.name = "ApiError";
    this.status = status;
    this.code = problem.code;
    this.context = problem.context;
  }
}

export function cookie(name, text = document.cookie) {
  const found = text.split(/;\s*/).find((pair) => pair.startsWith(`${name}=`));
  return found ? decodeURIComponent(found.slice(name.length + 1)) : "";
}

// Reads an RFC 9457 problem document; other answers become a plain sentence.
export function problemOf(status, body) {
  const sentence = body && (body.detail || body.message || body.title);
  return {
    code: String((body && (body.code || body.type)) || `http_${status}`).replace(/^.*[/:#]/, ""),
    message: typeof sentence === "string" ? sentence : `The server answered ${status}. Try again.`,
    context: (body && (body.context || body)) || {},
  };
}

// Sends a request and returns the JSON answer (null when empty).
// Throws ApiError when the server refused, and ApiError with status 0 when it could not be reached.
export async function api(method, path, body, options = {}) {
  const headers = { Accept: "application/json", ...options.headers };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (method !== "GET") headers["X-CSRF-Token"] = cookie("agentloom_csrf");
  let reply;
  try {
    reply = await fetch(path, {
      method,
      headers,
      credentials: "same-origin",
      body: body === undefined ? undefined : write(body),
      signal: options.signal,
      keepalive: options.keepalive,
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, { code: "offline", message: "The server cannot be reached.", context: {} });
  }
  const text = await reply.text();
  let value = null;
  try {
    value = text ? parse(text) : null;
  } catch {
    if (reply.ok) throw new ApiError(reply.status, problemOf(reply.status, null));
  }
  if (!reply.ok) throw new ApiError(reply.status, problemOf(reply.status, value));
  return value;
}

// Runs before the app. A tab keeps its state under a token; a tab of another sign-in must not see it, so the token is
// forgotten when the sign-in changed. Sets the theme early, and signs every tab out together.
(function () {
  const MARK = "agentloom_session_mark";
  const SIGNED_OUT = "agentloom_signed_out";

  function csrf() {
    const found = document.cookie.split(/;\s*/).find((pair) => pair.startsWith("agentloom_csrf="));
    return found ? decodeURIComponent(found.slice("agentloom_csrf=".length)) : "";
  }

  function forget() {
    sessionStorage.removeItem("token");
    sessionStorage.setItem(MARK, csrf());
  }

  try {
    if (sessionStorage.getItem(MARK) !== csrf()) forget();
    const theme = localStorage.getItem("theme") || "system";
    const dark = theme === "dark" || (theme === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
    document.documentElement.classList.toggle("dark", dark);
  } catch { /* Storage is blocked: the app still works, without memory. */ }

  function leave(path) {
    forget();
    location.assign(path);
  }

  window.agentloomSession = {
    entered(path) {
      leave(path);
    },
    ask() {
      const here = location.pathname + location.search;
      leave(`/login?next=${encodeURIComponent(here)}`);
    },
    async signOut() {
      try {
        await fetch("/api/auth/logout", {
          method: "POST", credentials: "same-origin", headers: { "X-CSRF-Token": csrf() },
        });
      } finally {
        localStorage.setItem(SIGNED_OUT, String(Date.now()));
        leave("/login");
      }
    },
  };

  addEventListener("storage", (event) => {
    if (event.key === SIGNED_OUT && !/^\/(login|register)\/?$/.test(location.pathname)) leave("/login");
  });
})();

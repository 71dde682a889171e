// A field that was changed here and in another tab: both texts, and the person decides. It takes no focus, so that
// typing goes on.
import { showJson } from "../inspector/schema.js";
import { useEditor, useStore } from "../editor/context.jsx";

export function Asks() {
  const store = useStore();
  const asks = useEditor((state) => state.asks);
  if (!asks.length) return null;
  const { key, title, mine, theirs } = asks[0];
  return (
    <section
      className="ed-asks card" role="alert" aria-label={`“${title}” was changed in another tab`} data-testid="ask"
    >
      <h2>“{title}” was changed in another tab</h2>
      <div className="ed-asks-texts">
        <div><h3>Yours, not saved yet</h3><pre tabIndex={0} data-testid="ask-mine">{showJson(mine)}</pre></div>
        <div><h3>Theirs</h3><pre tabIndex={0} data-testid="ask-theirs">{showJson(theirs)}</pre></div>
      </div>
      <div className="row wrap">
        <button
          type="button" className="btn btn-sm" onClick={() => store.decide(key, "keep")} data-testid="keep-mine"
        >
          Keep mine
        </button>
        <button
          type="button" className="btn btn-sm" onClick={() => store.decide(key, "take")} data-testid="take-theirs"
        >
          Take theirs
        </button>
        {asks.length > 1 && <span className="muted">{asks.length - 1} more</span>}
      </div>
    </section>
  );
}

/** The calm word while there is no connection: the program is gone, or it lets this page in no longer. */

import type { Desk } from "./desk";
import { Icon } from "./icons";

/** Covers the page while it can do nothing. */
export function Lost({ desk }: { desk: Desk }) {
  const connection = desk.connection.value;
  const shown = connection === "lost" || connection === "refused";
  return (
    <div class={`lost ${shown ? "shown" : ""}`} role="alert" aria-hidden={!shown}>
      {connection === "lost" && (
        <div class="lost-word">
          <span class="spinner" aria-hidden="true" />
          <h2>Connection lost</h2>
          <p>bodydouble does not answer. This page goes on by itself as soon as it does.</p>
          <p class="soft">
            Closed it? Start it again with <code>bodydouble live</code>.
          </p>
        </div>
      )}
      {connection === "refused" && (
        <div class="lost-word">
          <Icon name="lock" size={28} />
          <h2>This page is not let in any more</h2>
          <p>bodydouble was started anew and wants a token that this page does not have.</p>
          <p>
            Open the address that its terminal shows beside <b>control page</b>, or scan the QR code there.
          </p>
          <button type="button" class="button primary" onClick={() => location.reload()}>
            Try again
          </button>
        </div>
      )}
    </div>
  );
}

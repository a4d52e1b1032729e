/** Short words on what was done or could not be; they go by themselves, faults later, none while it is looked at. */

import { useEffect, useState } from "preact/hooks";
import type { Desk, Note } from "./desk";
import { fileName } from "./format";
import { Icon } from "./icons";
import { IconButton } from "./parts";

/** Milliseconds that a good word and a fault stay. */
const STAYS = { good: 6000, bad: 12_000, list: 30_000 };

/** The corner with the notes. */
export function Notes({ desk }: { desk: Desk }) {
  return (
    <section class="notes" aria-label="Messages" aria-live="polite">
      {desk.notes.value.map((note) => (
        <One key={note.id} note={note} close={() => desk.dismiss(note.id)} />
      ))}
    </section>
  );
}

function One({ note, close }: { note: Note; close: () => void }) {
  const [looked, look] = useState(false);
  useEffect(() => {
    if (looked) return;
    const timer = setTimeout(close, note.list ? STAYS.list : note.good ? STAYS.good : STAYS.bad);
    return () => clearTimeout(timer);
  });
  return (
    <div
      class={`note ${note.good ? "good" : "bad"}`}
      onPointerEnter={() => look(true)}
      onPointerLeave={() => look(false)}
      onFocusCapture={() => look(true)}
      onBlurCapture={() => look(false)}
    >
      {note.picture ? (
        <img class="note-picture checker" src={note.picture} alt="" width="56" height="56" />
      ) : (
        <span class="note-sign">
          <Icon name={note.good ? "check" : "warning"} size={18} />
        </span>
      )}
      <div class="note-words">
        <p>{note.text}</p>
        {note.list && (
          <ul>
            {note.list.map((line) => (
              <li key={line}>{line}</li>
            ))}
          </ul>
        )}
        {note.href && (
          <a href={note.href} download={fileName(note.href)}>
            Download {fileName(note.href)}
          </a>
        )}
      </div>
      <IconButton icon="close" label="Close this message" size={15} onClick={close} />
    </div>
  );
}

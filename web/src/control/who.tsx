/** Whom the character follows: everybody, the largest, or one of those in sight. */

import type { Signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Desk } from "./desk";
import { Icon } from "./icons";

/** A person in sight, as the buttons need them: where a click would have to land. */
export interface InSight {
  person: number;
  followed: boolean;
  x: number;
  y: number;
}

/** Buttons for so many people at most: what the row has room for. */
const MOST = 5;

/** The row below the picture. choosing: the next click into the picture says who. */
export function Who({
  desk,
  inSight,
  choosing,
}: {
  desk: Desk;
  inSight: Signal<InSight[]>;
  choosing: Signal<boolean>;
}) {
  const people = inSight.value;
  const all = desk.settings.value?.person === "all";
  const seen = desk.status.value?.source.state === "live" && people.length > 0;
  const follow = (one: InSight) => {
    choosing.value = false;
    if (all) desk.change({ person: "largest" });
    void desk.ask({ kind: "follow", x: one.x, y: one.y });
  };
  if (choosing.value) return <Choosing choosing={choosing} />;
  return (
    <fieldset class="who" aria-label="Who moves the character">
      {!seen && <span class="soft">Nobody in sight</span>}
      {seen &&
        people.slice(0, MOST).map((one, at) => (
          <button
            type="button"
            key={one.person}
            class="chip"
            aria-pressed={one.followed && !all}
            aria-label={people.length === 1 ? "Following you" : `Follow person ${at + 1}`}
            onClick={() => follow(one)}
          >
            {people.length <= 3 && <Icon name="person" size={14} />}
            {people.length === 1 ? "You" : at + 1}
          </button>
        ))}
      {seen && people.length === 1 && !all && (
        <button
          type="button"
          class="chip"
          title="Click on somebody else in the picture to follow them"
          onClick={() => {
            choosing.value = true;
          }}
        >
          Somebody else
        </button>
      )}
      <button
        type="button"
        class="chip end"
        aria-pressed={all}
        title="A character for everybody in sight"
        onClick={() => desk.change({ person: all ? "largest" : "all" })}
      >
        Everybody
      </button>
    </fieldset>
  );
}

/** What a click does now, and how to leave it. */
function Choosing({ choosing }: { choosing: Signal<boolean> }) {
  const cancel = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    cancel.current?.focus(); // what had the focus is gone
    const leave = (event: KeyboardEvent) => {
      if (event.key === "Escape") choosing.value = false;
    };
    addEventListener("keydown", leave);
    return () => removeEventListener("keydown", leave);
  }, [choosing]);
  return (
    <div class="who">
      <span role="status">Click on the person to follow</span>
      <button
        ref={cancel}
        type="button"
        class="chip end"
        title="Cancel (Esc)"
        onClick={() => {
          choosing.value = false;
        }}
      >
        Cancel
      </button>
    </div>
  );
}

/** Which character: pictures of all, the user's own to add and remove. */

import { useEffect, useRef } from "preact/hooks";
import type { CharacterChoice } from "../messages";
import type { Desk } from "./desk";
import { Icon } from "./icons";
import { Card } from "./parts";
import { ACCEPTED, addCharacter, picked, remove } from "./uploads";

/** Places that are kept for characters until the program has listed them. */
const PLACES = [0, 1] as const;

/** The card at the top right. */
export function CharacterCard({ desk }: { desk: Desk }) {
  const characters = desk.choices.value?.characters ?? [];
  const chosen = desk.settings.value?.character ?? "";
  const list = useRef<HTMLDivElement>(null);
  const coming = characters.length === 0;
  const author = characters.find((one) => one.name === chosen)?.author;
  useEffect(() => {
    if (list.current) bringIntoView(list.current);
  }, [chosen, characters.length]);
  return (
    <Card
      title="Character"
      area="character"
      side={
        <span class="soft ellipsis" role="status">
          {desk.sending.value ? `Adding ${desk.sending.value}…` : coming ? "Loading…" : author && `by ${author}`}
        </span>
      }
    >
      <div ref={list} class="characters" role="radiogroup" aria-label="Character">
        {coming && PLACES.map((at) => <Place key={at} />)}
        {characters.map((one) => (
          <Character key={one.name} desk={desk} one={one} chosen={one.name === chosen} />
        ))}
        <AddFile desk={desk} />
      </div>
    </Card>
  );
}

/** Scrolls the list, and only that, until the chosen character is seen whole. */
function bringIntoView(list: HTMLElement): void {
  const tile = list.querySelector("input:checked")?.closest<HTMLElement>(".character");
  if (!tile) return;
  const below = tile.offsetTop + tile.offsetHeight - list.clientHeight;
  list.scrollTop = Math.min(Math.max(list.scrollTop, below), tile.offsetTop);
}

/** Where a character will be. */
function Place() {
  return (
    <div class="character place" aria-hidden="true">
      <span class="thumb" />
      <span class="name" />
    </div>
  );
}

function Character({ desk, one, chosen }: { desk: Desk; one: CharacterChoice; chosen: boolean }) {
  const drop = () => {
    if (confirm(`Remove ${one.label}? Its files are deleted from bodydouble's folder.`))
      void remove(desk, one.name, "character");
  };
  return (
    <div class="character">
      <label title={one.author ? `${one.label}, by ${one.author}` : one.label}>
        <input
          type="radio"
          name="character"
          value={one.name}
          checked={chosen}
          onChange={() => desk.change({ character: one.name })}
        />
        <span class="thumb">
          <img src={one.thumbnail} alt="" width="64" height="64" loading="lazy" draggable={false} />
        </span>
        <span class="name">{one.label}</span>
      </label>
      {one.own && (
        <button
          type="button"
          class="remove"
          aria-label={`Remove ${one.label}`}
          title={`Remove ${one.label}`}
          onClick={drop}
        >
          <Icon name="close" size={12} />
        </button>
      )}
    </div>
  );
}

function AddFile({ desk }: { desk: Desk }) {
  const picker = useRef<HTMLInputElement>(null);
  const add = async (input: HTMLInputElement) => {
    await addCharacter(desk, picked(input));
    input.value = "";
  };
  return (
    <div class="character">
      <button
        type="button"
        class="add"
        title="Add a character: a .zip of its folder, or the folder's files; or drop the folder anywhere on the page"
        onClick={() => picker.current?.click()}
      >
        <span class="thumb">
          <Icon name="plus" size={22} />
        </span>
        <span class="name">Add own</span>
      </button>
      <input
        ref={picker}
        type="file"
        hidden
        multiple
        tabIndex={-1}
        aria-label="Character file"
        accept={ACCEPTED.character}
        onChange={(event) => void add(event.currentTarget)}
      />
    </div>
  );
}

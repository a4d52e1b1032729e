/** What is behind the character: nothing, a colour to key out, a picture. */

import { useRef } from "preact/hooks";
import { BLUE, GREEN } from "./defaults";
import type { Desk } from "./desk";
import { Icon } from "./icons";
import { Card, Switch } from "./parts";
import { shrunk } from "./shrink";
import { ACCEPTED, picked, remove, sendFiles } from "./uploads";

const PICTURE = "picture:";

/** The card in the middle on the right. */
export function SceneCard({ desk }: { desk: Desk }) {
  const settings = desk.settings.value;
  const background = settings?.background ?? "transparent";
  const pictures = desk.choices.value?.backgrounds ?? [];
  const picker = useRef<HTMLInputElement>(null);
  const set = (value: string, held = false) => desk.change({ background: value }, held);
  const custom = background.startsWith("#") && background !== GREEN && background !== BLUE;
  const drop = (name: string) => {
    if (confirm(`Remove ${name}? The picture is deleted from bodydouble's folder.`))
      void remove(desk, name, "background");
  };
  const add = async (input: HTMLInputElement) => {
    const pictures = await Promise.all(picked(input).map(async ({ file }) => shrunk(file)));
    const name = await sendFiles(
      desk,
      pictures.map((file) => ({ path: file.name, file })),
      "background",
    );
    input.value = "";
    if (name) set(PICTURE + name);
  };
  return (
    <Card
      title="Background"
      area="scene"
      side={
        <Switch
          label="Shadow"
          title="A soft shadow under the character"
          on={settings?.shadow ?? true}
          onChange={(shadow) => desk.change({ shadow })}
        />
      }
    >
      <div class="swatches" role="radiogroup" aria-label="Background">
        <Swatch label="Transparent" value="transparent" now={background} set={set} className="checker" />
        <Swatch label="Green, to key out" value={GREEN} now={background} set={set} colour={GREEN} />
        <Swatch label="Blue, to key out" value={BLUE} now={background} set={set} colour={BLUE} />
        <label class={`swatch ${custom ? "chosen" : ""}`} title="Another colour">
          <input
            type="color"
            aria-label="Another colour"
            value={custom ? background : "#ff8a4c"}
            onInput={(event) => set(event.currentTarget.value, true)}
            onChange={(event) => {
              set(event.currentTarget.value);
              desk.release("background");
            }}
          />
          <span class={custom ? "" : "rainbow"} style={custom ? { background } : {}} />
        </label>
        {pictures.map((name) => (
          <div key={name} class="own-picture">
            <Swatch
              label={name}
              value={PICTURE + name}
              now={background}
              set={set}
              picture={`/api/backgrounds/${encodeURIComponent(name)}`}
            />
            <button
              type="button"
              class="remove"
              aria-label={`Remove ${name}`}
              title={`Remove ${name}`}
              onClick={() => drop(name)}
            >
              <Icon name="close" size={10} />
            </button>
          </div>
        ))}
        <button
          type="button"
          class="swatch"
          aria-label="Add a picture"
          title="Add a picture of your own"
          onClick={() => picker.current?.click()}
        >
          <span class="empty">
            <Icon name="picture" size={18} />
          </span>
        </button>
        <input
          ref={picker}
          type="file"
          hidden
          tabIndex={-1}
          aria-label="Background picture"
          accept={ACCEPTED.background}
          onChange={(event) => void add(event.currentTarget)}
        />
      </div>
    </Card>
  );
}

function Swatch(props: {
  label: string;
  value: string;
  now: string;
  set: (value: string) => void;
  colour?: string;
  picture?: string;
  className?: string;
}) {
  const background = props.picture ? `center / cover url("${props.picture}")` : (props.colour ?? "");
  return (
    <label class="swatch" title={props.label}>
      <input
        type="radio"
        name="background"
        value={props.value}
        aria-label={props.label}
        checked={props.now === props.value}
        onChange={() => props.set(props.value)}
      />
      <span class={props.className ?? ""} style={background ? { background } : {}} />
    </label>
  );
}

/** The top of the page: what this is, how the camera does, and the ways out to OBS, a phone, help. */

import { useComputed } from "@preact/signals";
import type { Open } from "./app";
import { told } from "./conditions";
import type { Desk } from "./desk";
import { clockTime, pictureSize } from "./format";
import { Icon, Mark } from "./icons";
import { IconButton } from "./parts";
import { switchTheme, theme } from "./theme";

/** The page's header. */
export function Header({ desk, open }: { desk: Desk; open: { value: Open } }) {
  return (
    <header class="header">
      <h1 class="brand">
        <Mark />
        <span>bodydouble</span>
      </h1>
      <SourceLamp desk={desk} />
      <nav class="ways" aria-label="Outputs and help">
        <button
          type="button"
          class="way"
          aria-label="Use in OBS"
          title="Use in OBS"
          onClick={() => (open.value = "obs")}
        >
          <Icon name="broadcast" />
          <span>OBS</span>
        </button>
        <button
          type="button"
          class="way"
          aria-label="Open on a phone"
          title="Open on a phone"
          onClick={() => (open.value = "phone")}
        >
          <Icon name="phone" />
          <span>Phone</span>
        </button>
        <IconButton
          icon={theme.value === "dark" ? "sun" : "moon"}
          label={theme.value === "dark" ? "Light theme" : "Dark theme"}
          onClick={switchTheme}
        />
        <IconButton icon="help" label="Help and shortcuts" keys="?" onClick={() => (open.value = "help")} />
      </nav>
    </header>
  );
}

/** The lamp and its sentence. */
function SourceLamp({ desk }: { desk: Desk }) {
  const said = useComputed(() => {
    const source = desk.connection.value === "open" ? (desk.status.value?.source ?? null) : null;
    const { lamp, title, sentence } = told(source, desk.settings.value?.camera);
    const rate = source && source.fps >= 0.5 ? `, ${Math.round(source.fps)} fps` : ""; // none before the second picture
    const facts = source?.state === "live" ? `${pictureSize(source.size)}${rate}` : "";
    const label =
      desk.choices.value?.cameras.find((camera) => camera.name === source?.name)?.label ?? source?.name ?? "";
    return { lamp, title: source?.state === "live" ? label || title : title, sentence: sentence || facts };
  }).value;
  const recording = desk.status.value?.recording;
  return (
    <div class="lamp-line">
      <p class="lamp-words" role="status" title={said.sentence}>
        <span class={`lamp ${said.lamp}`} aria-hidden="true" />
        <strong>{said.title}</strong>
        <span class="soft">{said.sentence}</span>
      </p>
      {recording?.state === "recording" && (
        <span class="rec-pill">
          <span class="rec-dot" aria-hidden="true" />
          REC {clockTime(recording.seconds)}
        </span>
      )}
    </div>
  );
}

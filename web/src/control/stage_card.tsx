/** The character, live: the same stage as the one for OBS, with its framing and the way to the full screen. */

import { useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Stage } from "../stage/stage";
import type { Desk } from "./desk";
import { toggleFullscreen } from "./fullscreen";
import { IconButton, Segments } from "./parts";
import { Said } from "./said";

const FRAMINGS = [
  { value: "full", label: "Full body", title: "Full body (1)", keys: "1" },
  { value: "half", label: "Half", title: "Upper half (2)", keys: "2" },
  { value: "head", label: "Head", title: "Head (3)", keys: "3" },
] as const;

/** The card in the middle. host: set to its element, for the full screen. */
export function StageCard({ desk, host }: { desk: Desk; host: RefObject<HTMLElement | null> }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const trouble = useSignal("");
  const ready = useSignal(false);
  useEffect(() => {
    if (!canvas.current) return;
    const stage = new Stage(canvas.current, desk.link, {
      trouble: (sentence) => {
        trouble.value = sentence;
      },
      ready: () => {
        ready.value = true;
      },
    });
    return () => stage.close();
  }, [desk, trouble, ready]);
  const settings = desk.settings.value;
  const recording = desk.status.value?.recording.state === "recording";
  return (
    <section ref={host} class={`stage-card ${recording ? "recording" : ""}`} aria-label="Stage">
      <div class="stage-bar">
        <Segments
          label="Framing"
          value={settings?.framing ?? "full"}
          options={FRAMINGS}
          onChange={(framing) => desk.change({ framing })}
        />
        <Said desk={desk} />
        <IconButton
          icon="fullscreen"
          label="Full screen"
          keys="F"
          onClick={() => void toggleFullscreen(host.current)}
        />
      </div>
      <div class="stage-place checker">
        <canvas ref={canvas} role="img" aria-label={`The character ${settings?.character ?? ""}, moving`} />
        <p class="stage-waiting" role="status">
          {!ready.value && !trouble.value && <Waiting desk={desk} />}
        </p>
      </div>
      {trouble.value && (
        <p class="trouble" role="status">
          {trouble.value}
        </p>
      )}
    </section>
  );
}

/** What the empty stage waits for. */
function Waiting({ desk }: { desk: Desk }) {
  return (
    <>
      <span class="spinner" aria-hidden="true" />
      {desk.connection.value === "first" ? "Connecting to bodydouble…" : `Loading ${characterLabel(desk)}…`}
    </>
  );
}

/** What the chosen character is called, as far as that is known yet. */
function characterLabel(desk: Desk): string {
  const name = desk.settings.value?.character ?? "";
  const listed = desk.choices.value?.characters.find((one) => one.name === name);
  return listed?.label || name.charAt(0).toUpperCase() + name.slice(1) || "the character";
}

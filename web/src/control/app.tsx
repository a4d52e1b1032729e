/** The whole page: its parts, the keys, what is dropped on it. */

import { useComputed, useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { OwnCamera } from "./camera";
import { CharacterCard } from "./character_card";
import { COUNTDOWN } from "./defaults";
import type { Desk } from "./desk";
import { HelpDialog, ObsDialog, PhoneDialog } from "./dialogs";
import { Dock } from "./dock";
import { FeelCard } from "./feel_card";
import { clockTime } from "./format";
import { toggleFullscreen } from "./fullscreen";
import { Header } from "./header";
import { Icon } from "./icons";
import { type Action, actionFor } from "./keyboard";
import { LiveCard } from "./live_card";
import { Lost } from "./lost";
import { Notes } from "./notes";
import { SceneCard } from "./scene_card";
import { StageCard } from "./stage_card";
import { addCharacter, dropped } from "./uploads";
import { YouCard } from "./you_card";

/** A dialog that is open, if any. */
export type Open = "" | "help" | "obs" | "phone";

/** The control page. */
export function App({ desk, camera }: { desk: Desk; camera: OwnCamera }) {
  const open = useSignal<Open>("");
  const stage = useRef<HTMLElement>(null);
  const away = useComputed(() => desk.connection.value === "lost" || desk.connection.value === "refused");
  useKeys(desk, open, stage);
  useCameraOfSettings(desk, camera);
  useSignalEffect(() => {
    const why = camera.message.value;
    if (why && camera.giving.value === "off") desk.note(false, why); // where it fails, the picture's place says so
  });
  useSignalEffect(() => {
    const recording = desk.status.value?.recording;
    const running = recording?.state === "recording" && desk.connection.value === "open";
    document.title = running ? `● ${clockTime(recording.seconds)} bodydouble` : "bodydouble";
  });
  return (
    <>
      <div class="page" inert={away.value}>
        <Header desk={desk} open={open} />
        <main class="desk">
          <div class="column left">
            <YouCard desk={desk} camera={camera} />
            <LiveCard desk={desk} />
          </div>
          <div class="column centre">
            <StageCard desk={desk} host={stage} />
            <Dock desk={desk} />
          </div>
          <div class="column right">
            <CharacterCard desk={desk} />
            <SceneCard desk={desk} />
            <FeelCard desk={desk} />
          </div>
        </main>
      </div>
      <DropZone desk={desk} />
      <Notes desk={desk} />
      <HelpDialog open={open} version={desk.version} />
      <ObsDialog open={open} desk={desk} />
      <PhoneDialog open={open} desk={desk} />
      <Lost desk={desk} />
    </>
  );
}

/** Keys of the whole page. */
function useKeys(desk: Desk, open: { value: Open }, stage: { current: HTMLElement | null }): void {
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      if (document.querySelector(".calibration")) return; // it has keys of its own
      if (document.querySelector("dialog[open]") && event.key !== "?") return;
      const action = ["lost", "refused"].includes(desk.connection.value)
        ? null
        : actionFor(event, document.activeElement as HTMLElement | null);
      if (!action) return;
      event.preventDefault();
      act(action, desk, open, stage.current);
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, [desk, open, stage]);
}

function act(action: Action, desk: Desk, open: { value: Open }, stage: HTMLElement | null): void {
  const settings = desk.settings.value;
  if (action === "help") open.value = open.value === "help" ? "" : "help";
  else if (action === "fullscreen") void toggleFullscreen(stage);
  else if (action === "record") void desk.record();
  else if (action === "snapshot") void desk.snapshot();
  else if (action === "calibrate") void desk.calibrate(COUNTDOWN);
  else if (action === "virtual_camera") void desk.virtualCamera(!desk.status.value?.output.virtual_camera);
  else if (action === "mirror") {
    if (settings) desk.change({ mirror: !settings.mirror });
  } else desk.change({ framing: action === "frame_full" ? "full" : action === "frame_half" ? "half" : "head" });
}

/**
 * The browser's camera follows the settings: it ends when another is chosen, and takes up another size or rate. A page
 * that is opened while none is given offers its own, once: later on, another page may just be about to come back.
 */
function useCameraOfSettings(desk: Desk, camera: OwnCamera): void {
  const offered = useRef(false);
  useSignalEffect(() => {
    const settings = desk.settings.value;
    if (!settings) return;
    const { size, fps } = settings;
    const giving = camera.giving.peek() !== "off";
    const state = desk.status.value?.source.state;
    const first = !offered.current && state !== undefined;
    if (first) offered.current = true;
    if (settings.camera !== "browser") {
      if (giving) camera.stop();
    } else if (giving) void camera.adjust({ size, fps });
    else if (first && state === "waiting" && globalThis.isSecureContext) void camera.start({ size, fps });
  });
}

/** Where a file may be dropped: the whole page, told while one is dragged over it. */
function DropZone({ desk }: { desk: Desk }) {
  const over = useSignal(false);
  useEffect(() => {
    const files = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
    const enter = (event: DragEvent) => {
      if (!files(event)) return;
      event.preventDefault();
      over.value = true;
    };
    const leave = (event: DragEvent) => {
      if (!event.relatedTarget) over.value = false;
    };
    const drop = (event: DragEvent) => {
      if (!files(event)) return;
      event.preventDefault();
      over.value = false;
      void dropped(event.dataTransfer).then((files) => addCharacter(desk, files));
    };
    const of: [string, (event: DragEvent) => void][] = [
      ["dragenter", enter],
      ["dragover", enter],
      ["dragleave", leave],
      ["drop", drop],
    ];
    for (const [name, handler] of of) addEventListener(name, handler as EventListener);
    return () => {
      for (const [name, handler] of of) removeEventListener(name, handler as EventListener);
    };
  }, [desk, over]);
  if (!over.value) return null;
  return (
    <div class="drop-zone" aria-hidden="true">
      <div>
        <Icon name="plus" size={40} />
        <p>Drop to add a character</p>
        <small>Its folder, or a .zip of it</small>
      </div>
    </div>
  );
}

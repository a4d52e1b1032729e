/** The buttons below the stage: calibrate, record, snapshot, virtual camera. */

import { useSignal } from "@preact/signals";
import { COUNTDOWN } from "./defaults";
import type { Desk } from "./desk";
import { clockTime, count, percent } from "./format";
import { Icon, type IconName } from "./icons";
import { Progress } from "./parts";

/** The dock. */
export function Dock({ desk }: { desk: Desk }) {
  const status = desk.status.value;
  const output = status?.output;
  const calibrated = status?.calibration.calibrated;
  const flash = useSignal(0);
  const snapshot = async () => {
    flash.value += 1;
    await desk.snapshot();
  };
  return (
    <>
      <section class="dock" aria-label="Actions">
        <Tool
          icon="calibrate"
          label="Calibrate"
          keys="C"
          small={calibrated ? "calibrated" : "your proportions"}
          onClick={() => void desk.calibrate(COUNTDOWN)}
        />
        <Tool icon="snapshot" label="Snapshot" keys="S" small="PNG" onClick={() => void snapshot()} />
        <div class="record-group">
          <RecordButton desk={desk} />
          <Film desk={desk} />
        </div>
        <Tool
          icon="virtualCamera"
          label="Virtual camera"
          keys="V"
          small={output?.virtual_camera ? output.virtual_camera_device || "on" : output?.message ? "not there" : "off"}
          pressed={output?.virtual_camera ?? false}
          title={output?.message ? `Virtual camera (V): ${output.message}` : undefined}
          onClick={() => void desk.virtualCamera(!output?.virtual_camera)}
        />
      </section>
      {flash.value > 0 && <span key={flash.value} class="flash" aria-hidden="true" />}
    </>
  );
}

function Tool(props: {
  icon: IconName;
  label: string;
  keys: string;
  small: string;
  onClick: () => void;
  pressed?: boolean;
  title?: string | undefined;
}) {
  return (
    <button
      type="button"
      class="tool"
      aria-label={props.label}
      aria-pressed={props.pressed}
      aria-keyshortcuts={props.keys}
      title={props.title ?? `${props.label} (${props.keys})`}
      onClick={props.onClick}
    >
      <Icon name={props.icon} size={22} />
      <span class="tool-words">
        <span>{props.label}</span>
        <small>{props.small}</small>
      </span>
    </button>
  );
}

function RecordButton({ desk }: { desk: Desk }) {
  const recording = desk.status.value?.recording;
  const state = recording?.state ?? "off";
  const done = percent(recording?.progress ?? 0);
  const label = state === "recording" ? "Stop recording" : state === "saving" ? `Making the film, ${done}` : "Record";
  const words =
    state === "recording" ? clockTime(recording?.seconds ?? 0) : state === "saving" ? `Film ${done}` : "Record";
  return (
    <button
      type="button"
      class={`record ${state}`}
      aria-label={label}
      aria-keyshortcuts="Space"
      title={state === "saving" ? label : `${label} (Space)`}
      disabled={state === "saving"}
      onClick={() => void desk.record()}
    >
      <span class="record-sign">
        {state === "saving" ? (
          <span class="spinner" aria-hidden="true" />
        ) : (
          <Icon name={state === "off" ? "record" : "stop"} size={26} />
        )}
      </span>
      <span class="tool-words">
        <span class="figures">{words}</span>
        {state === "recording" && <small class="figures">{count(recording?.frames ?? 0)} frames</small>}
        {state === "off" && <small>the motion</small>}
        {state === "saving" && <Progress label="Film" value={recording?.progress ?? 0} />}
      </span>
    </button>
  );
}

function Film({ desk }: { desk: Desk }) {
  return (
    <label class="check" title="When a recording stops, also draw a film of the character">
      <input
        type="checkbox"
        aria-label="Also make a film"
        checked={desk.film.value}
        disabled={desk.status.value?.recording.state === "recording"}
        onChange={(event) => {
          desk.film.value = event.currentTarget.checked;
        }}
      />
      <span aria-hidden="true">+ film</span>
    </label>
  );
}

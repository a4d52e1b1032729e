/** Which camera, at what size and rate; for this browser's own camera, which of its devices. */

import type { OwnCamera } from "./camera";
import type { Desk } from "./desk";
import { fileName } from "./format";
import { Icon } from "./icons";
import { ratesOf, sizesOf } from "./modes";
import { IconButton, Select } from "./parts";

/** A file's or stream's address by its end, which tells more than its beginning. */
function shortLabel(label: string): string {
  return /^[\w.+-]+:\/\/|^[/\\~]|^\w:\\/.test(label) ? fileName(label) : label;
}

/** What there is to know of a source that cannot be asked for a size and rate. */
const AS_IT_COMES = {
  file: "Plays in a loop, at its own size and rate.",
  stream: "Comes at the size and rate that it is sent with.",
} as const;

/** The fields below the picture. */
export function CameraFields({ desk, camera }: { desk: Desk; camera: OwnCamera }) {
  const settings = desk.settings.value;
  const cameras = desk.choices.value?.cameras ?? [];
  if (!settings) return <div class="camera-fields" />;
  const own = settings.camera === "browser";
  const chosen = cameras.find((one) => one.name === settings.camera);
  const modes = chosen?.modes ?? [];
  const asIs = chosen?.kind === "file" || chosen?.kind === "stream" ? AS_IT_COMES[chosen.kind] : "";
  const options = cameras.map((one) => ({ value: one.name, label: shortLabel(one.label) }));
  if (!options.some((one) => one.value === "browser"))
    options.push({ value: "browser", label: "This browser's camera" });
  if (!options.some((one) => one.value === settings.camera)) {
    options.unshift({ value: settings.camera, label: shortLabel(settings.camera) || "No camera" });
  }
  const sizes = [...new Set([...sizesOf(modes), settings.size])].filter(Boolean);
  const choose = (name: string) => {
    desk.change({ camera: name });
    if (name === "browser") void camera.start(settings);
  };
  return (
    <div class="camera-fields">
      <div class="row">
        <Select label="Camera" quiet value={settings.camera} options={options} onChange={choose} />
        <IconButton icon="refresh" label="Look for cameras again" onClick={() => void desk.ask({ kind: "refresh" })} />
      </div>
      {own && camera.giving.value !== "off" && camera.devices.value.length > 1 && <Devices camera={camera} />}
      {own && camera.giving.value === "off" && desk.status.value?.source.state === "live" && (
        <UseOwn desk={desk} camera={camera} />
      )}
      {asIs && <p class="soft">{asIs}</p>}
      {!asIs && (
        <div class="row">
          <Select
            label="Size"
            quiet
            value={settings.size}
            options={[
              { value: "", label: "Best size" },
              ...sizes.map((size) => ({ value: size, label: size.replace("x", " × ") })),
            ]}
            onChange={(size) => desk.change({ size })}
          />
          <Select
            label="Frames a second"
            quiet
            value={String(Math.round(settings.fps))}
            options={ratesOf(modes, settings.size, settings.fps).map((rate) => ({
              value: String(rate),
              label: `${rate} fps`,
            }))}
            onChange={(fps) => desk.change({ fps: Number(fps) })}
          />
        </div>
      )}
    </div>
  );
}

/** The button that gives this device's camera. */
export function UseOwn({ desk, camera }: { desk: Desk; camera: OwnCamera }) {
  const use = () => {
    const settings = desk.settings.value;
    if (settings) void camera.start(settings);
  };
  return (
    <button type="button" class="button primary small" onClick={use}>
      <Icon name="camera" size={16} />
      Use this device's camera
    </button>
  );
}

/** Another way, where the chosen camera cannot be had: this page's own. */
export function UsePages({ desk, camera }: { desk: Desk; camera: OwnCamera }) {
  const use = () => {
    const settings = desk.settings.value;
    if (!settings) return;
    desk.change({ camera: "browser" });
    void camera.start(settings);
  };
  return (
    <button type="button" class="button primary small" onClick={use}>
      <Icon name="camera" size={16} />
      Use this page's camera
    </button>
  );
}

function Devices({ camera }: { camera: OwnCamera }) {
  const options = camera.devices.value.map((device, at) => ({
    value: device.deviceId,
    label: device.label || `Camera ${at + 1}`,
  }));
  const current = camera.stream.value?.getVideoTracks()[0]?.getSettings().deviceId ?? camera.device.value;
  return (
    <Select
      label="This device's camera"
      quiet
      value={current}
      options={options}
      onChange={(id) => void camera.choose(id)}
    />
  );
}

/** How the motion feels: sliders, and the model behind it. */

import { DEFAULTS, type Slid } from "./defaults";
import type { Desk } from "./desk";
import { percent, providerName } from "./format";
import { Card, Progress, Select, Slider } from "./parts";

/** Degrees below which no camera sees: further down the slider is off. */
const NARROWEST = 20;

/** Models whose names say too little. */
const NAMES: { [name: string]: string } = { auto: "Automatic", best: "Best, but slow" };
const MODELS =
  "Automatic: the most accurate model that this computer runs as quickly as the camera gives pictures. " +
  "Best: the most accurate of all, too slow for most computers.";

interface Dial {
  name: Slid;
  label: string;
  explained: string;
  most: number;
  step: number;
  shown: (value: number) => string;
}

const degrees = (value: number) => (value > 0 ? `${Math.round(value)}°` : "off");

const DIALS: readonly Dial[] = [
  {
    name: "smooth",
    label: "Smoothing",
    explained: "More is calmer, less follows quicker",
    most: 1,
    step: 0.01,
    shown: percent,
  },
  {
    name: "place",
    label: "Moving about",
    explained: "How far the character walks when you do: 0 stays put, 100 goes where you go",
    most: 1,
    step: 0.01,
    shown: percent,
  },
  {
    name: "compensation",
    label: "Latency compensation",
    explained: "How much of the delay is made up for by looking ahead",
    most: 1,
    step: 0.01,
    shown: percent,
  },
  {
    name: "fov",
    label: "Field of view",
    explained: "The angle that the camera sees across, in degrees; most webcams 60 to 80. Off: perspective is left in",
    most: 120,
    step: 1,
    shown: degrees,
  },
];

/** The card at the bottom right. */
export function FeelCard({ desk }: { desk: Desk }) {
  const settings = desk.settings.value;
  return (
    <Card
      title="Motion"
      area="feel"
      side={
        desk.status.value?.calibration.calibrated && (
          <button
            type="button"
            class="text-button"
            title="Back to proportions that are learnt while you move"
            onClick={() => void desk.calibrate(0)}
          >
            Forget calibration
          </button>
        )
      }
    >
      <div class="sliders">
        {DIALS.map((dial) => (
          <Slider
            key={dial.name}
            label={dial.label}
            explained={dial.explained}
            value={settings?.[dial.name] ?? DEFAULTS[dial.name]}
            initial={DEFAULTS[dial.name]}
            least={0}
            most={dial.most}
            step={dial.step}
            shown={dial.shown}
            onInput={(value) =>
              desk.change({ [dial.name]: dial.name === "fov" && value < NARROWEST ? 0 : value }, true)
            }
            onDone={() => desk.release(dial.name)}
          />
        ))}
      </div>
      <Model desk={desk} />
    </Card>
  );
}

function Model({ desk }: { desk: Desk }) {
  const settings = desk.settings.value;
  const model = desk.status.value?.model;
  const names = desk.choices.value?.models ?? [];
  const chosen = settings?.model ?? "auto";
  const options = [...new Set(["auto", ...names, chosen])].map((name) => ({
    value: name,
    label: NAMES[name] ?? name,
  }));
  return (
    <div class="model">
      <div class="row">
        <span class="row-label" aria-hidden="true">
          Model
        </span>
        <Select
          label="Model"
          quiet
          title={MODELS}
          value={chosen}
          options={options}
          onChange={(name) => desk.change({ model: name })}
        />
      </div>
      <p class="soft model-line figures" role="status">
        {model?.loading ? (
          <>
            <span class="ellipsis">Loading {model.loading}</span>
            <Progress label={`Loading ${model.loading}`} value={model.progress} />
          </>
        ) : (
          <span class="ellipsis">
            {model?.name
              ? `${model.name} · ${providerName(model.provider)} · ${model.milliseconds.toFixed(1)} ms`
              : " "}
          </span>
        )}
      </p>
    </div>
  );
}

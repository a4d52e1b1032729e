/** How it goes: pose rate, delay, confidence over half a minute; what is dropped; which model, where, how quick. */

import { useSignal, useSignalEffect } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { LatencyReport, Status } from "../messages";
import type { Desk } from "./desk";
import { count, milliseconds, percent, perSecond } from "./format";
import { Card } from "./parts";
import { Series } from "./series";
import { Strip } from "./strip";

/** Seconds that the strips show. */
const SPAN = 30;
const RATE = ["--accent"] as const;
const DELAY = ["--right", "--left"] as const;
const SURE = ["--good-line"] as const;

/** The delay that counts for the user: to the page that shows it where one does, else to the program's end. */
export function delayOf(latency: LatencyReport): [number, number] {
  return latency.posed[0] > 0 ? latency.posed : latency.ready;
}

/** The card below the picture. */
export function LiveCard({ desk }: { desk: Desk }) {
  const rate = useMemo(() => new Series(1, SPAN), []);
  const delay = useMemo(() => new Series(2, SPAN), []);
  const sure = useMemo(() => new Series(1, SPAN), []);
  const grown = useSignal(0);
  useSignalEffect(() => {
    const status = desk.status.value;
    if (!status) return;
    const [half, most] = delayOf(status.latency);
    rate.add(status.time, [status.latency.pose_rate]);
    delay.add(status.time, [half || null, most || null]);
    sure.add(status.time, [status.people > 0 ? status.confidence : null]);
    grown.value = grown.peek() + 1;
  });
  const status = desk.status.value;
  const [half, most] = status ? delayOf(status.latency) : [0, 0];
  return (
    <Card title="Live" area="live" side={<Dropped status={status} />}>
      <div class="strips">
        <Strip
          label="Poses"
          value={`${perSecond(status?.latency.pose_rate ?? 0)} /s`}
          explained="Poses found a second"
          colours={RATE}
          series={rate}
          grown={grown}
          least={30}
        />
        <Strip
          label="Delay"
          value={half > 0 ? `usually ${Math.round(half)}, seldom over ${milliseconds(most)}` : "–"}
          explained="From the camera's picture to the character: half of all are quicker than the line, 95 of 100 than the dashed one"
          colours={DELAY}
          series={delay}
          grown={grown}
          least={50}
        />
        <Strip
          label="Confidence"
          value={status && status.people > 0 ? percent(status.confidence) : "–"}
          explained="How sure the model is of the person followed"
          colours={SURE}
          series={sure}
          grown={grown}
          least={1}
          fixed
        />
      </div>
    </Card>
  );
}

function Dropped({ status }: { status: Status | null }) {
  const source = status?.source;
  const share = source && source.captured > 0 ? source.dropped / source.captured : 0;
  return (
    <span class="soft figures" title="Frames that newer ones overtook, of all that came">
      {source ? `${count(source.dropped)} dropped (${percent(share)})` : ""}
    </span>
  );
}

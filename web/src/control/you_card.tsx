/** The person: the camera's picture with the skeleton over it, who is followed, and which camera it is. */

import { type Signal, useComputed, useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { Binary } from "../messages";
import { Calibration, useCalibration } from "./calibration";
import type { OwnCamera } from "./camera";
import { CameraFields, UseOwn, UsePages } from "./camera_fields";
import { told } from "./conditions";
import type { Desk } from "./desk";
import { middle } from "./geometry";
import { Icon } from "./icons";
import { Card, Switch } from "./parts";
import { PictureView } from "./picture";
import { theme } from "./theme";
import { type InSight, Who } from "./who";
import { wholeIn } from "./whole";

/** Where in the overlay somebody clicked, in its pixels, and when. */
interface Clicked {
  x: number;
  y: number;
  at: number;
}

/** Pixels of width asked for as the small picture, and while it is shown large. */
const SMALL = 480;
const LARGE = 960;

/** Conditions in which the program has no camera, and the page's may do instead. */
const AWAY: readonly string[] = ["unplugged", "no_permission", "failed"];

/** The card on the left. */
export function YouCard({ desk, camera }: { desk: Desk; camera: OwnCamera }) {
  const inSight = useSignal<InSight[]>([]);
  const choosing = useSignal(false);
  const settings = desk.settings.value;
  return (
    <Card
      title="You"
      area="you"
      side={
        <Switch
          label="Mirror"
          keys="M"
          title="As in a mirror: your left is on the left (M)"
          on={settings?.mirror ?? true}
          onChange={(mirror) => desk.change({ mirror })}
        />
      }
    >
      <Picture desk={desk} camera={camera} inSight={inSight} choosing={choosing} />
      <Who desk={desk} inSight={inSight} choosing={choosing} />
      <CameraFields desk={desk} camera={camera} />
    </Card>
  );
}

function Picture(props: { desk: Desk; camera: OwnCamera; inSight: Signal<InSight[]>; choosing: Signal<boolean> }) {
  const { desk, camera, inSight, choosing } = props;
  const below = useRef<HTMLCanvasElement>(null);
  const above = useRef<HTMLCanvasElement>(null);
  const video = useRef<HTMLVideoElement>(null);
  const view = useRef<PictureView | null>(null);
  const calibration = useCalibration(desk);
  const mirror = useComputed(() => desk.settings.value?.mirror ?? true);
  const local = useComputed(() => camera.stream.value);
  const whole = useSignal(false);
  usePictures(desk, view, below, above, inSight, whole);
  usePreviewWish(desk, camera, calibration);
  useSignalEffect(() => {
    const now = theme.value && mirror.value;
    if (!view.current) return;
    view.current.mirror = now;
    view.current.redraw(true);
  });
  useSignalEffect(() => {
    if (video.current && video.current.srcObject !== local.value) video.current.srcObject = local.value;
  });
  const clicked = useSignal<Clicked | null>(null);
  const follow = (event: MouseEvent) => {
    const place = view.current?.placeAt(event.clientX, event.clientY);
    if (place && one) {
      clicked.value = { x: event.offsetX, y: event.offsetY, at: performance.now() };
      void desk.ask({ kind: "follow", ...place });
    }
    choosing.value = false;
  };
  const one = desk.settings.value?.person !== "all" && desk.status.value?.source.state === "live";
  const lifted = calibration.value.state !== "none";
  return (
    <div class="picture-place">
      <div class={`picture ${mirror.value ? "mirrored" : ""} ${lifted ? "lifted" : ""}`}>
        <canvas ref={below} class={`camera ${local.value ? "hidden" : ""}`} width={4} height={3} />
        <video ref={video} class={`camera ${local.value ? "" : "hidden"}`} muted autoplay playsInline tabIndex={-1} />
        <canvas
          ref={above}
          class={`overlay ${one ? "choosable" : ""} ${choosing.value ? "choosing" : ""}`}
          title={one ? "Click on a person to follow them" : ""}
          role="img"
          aria-label="The camera's picture with the skeletons of the people in it"
          onClick={follow}
        />
        {clicked.value && <Sought key={clicked.value.at} clicked={clicked} />}
        <NoPicture desk={desk} camera={camera} />
        <Calibration desk={desk} state={calibration} whole={whole} />
      </div>
    </div>
  );
}

/** A ring where one clicked: whoever is there is looked for, which takes a moment if they were not tracked so far. */
function Sought({ clicked }: { clicked: Signal<Clicked | null> }) {
  const { x, y } = clicked.value ?? { x: 0, y: 0 };
  const done = () => {
    clicked.value = null;
  };
  return <span class="sought" style={{ left: `${x}px`, top: `${y}px` }} aria-hidden="true" onAnimationEnd={done} />;
}

/** Frames of the link to the view; who is in sight, and whether whole, only when that changes or once in a while. */
function usePictures(
  desk: Desk,
  view: { current: PictureView | null },
  below: { current: HTMLCanvasElement | null },
  above: { current: HTMLCanvasElement | null },
  inSight: Signal<InSight[]>,
  whole: Signal<boolean>,
): void {
  useEffect(() => {
    if (!below.current || !above.current) return;
    const shown = new PictureView(below.current, above.current);
    shown.mirror = desk.settings.value?.mirror ?? true;
    view.current = shown;
    let told = "";
    let at = 0;
    const ends = [
      desk.link.onFrame(Binary.PREVIEW, (preview) => shown.show(preview)),
      desk.link.onFrame(Binary.PEOPLE, (people) => {
        shown.see(people);
        const key = people.people.map((p) => `${p.person}:${p.followed}`).join(" ");
        const now = performance.now();
        if (key === told && now - at < 500) return;
        [told, at] = [key, now];
        whole.value = wholeIn(people);
        inSight.value = people.people.flatMap((p) => {
          const place = middle(p.points, p.scores);
          return place ? [{ person: p.person, followed: p.followed === 1, ...place }] : [];
        });
      }),
    ];
    return () => {
      for (const end of ends) end();
      shown.close();
      view.current = null;
    };
  }, [desk, view, below, above, inSight, whole]);
}

/** Asks for the camera's picture: not while the page is hidden or shows its own camera; larger while it is lifted. */
function usePreviewWish(desk: Desk, camera: OwnCamera, calibration: { value: { state: string } }): void {
  const hidden = useSignal(document.hidden);
  useEffect(() => {
    const changed = () => {
      hidden.value = document.hidden;
    };
    document.addEventListener("visibilitychange", changed);
    return () => document.removeEventListener("visibilitychange", changed);
  }, [hidden]);
  useSignalEffect(() => {
    const on = !hidden.value && camera.stream.value === null;
    desk.link.remember({ kind: "preview", on, width: calibration.value.state === "none" ? SMALL : LARGE });
  });
}

/** What stands in place of the picture while there is none. */
function NoPicture({ desk, camera }: { desk: Desk; camera: OwnCamera }) {
  const source = desk.status.value?.source ?? null;
  const connected = desk.connection.value === "open";
  const own = connected && desk.settings.value?.camera === "browser" && camera.giving.value !== "on";
  if (connected && source?.state === "live") return null;
  if (camera.giving.value === "on" && !camera.message.value) return null;
  const why = own ? camera.message.value : "";
  const general = told(connected ? source : null, desk.settings.value?.camera);
  const away = connected && AWAY.includes(source?.state ?? "") && desk.settings.value?.camera !== "browser";
  const { lamp, title, sentence } = why ? { lamp: "warning", title: "No camera here", sentence: why } : general;
  const asking = camera.giving.value === "asking";
  return (
    <div class="no-picture" role="status">
      <span class={`no-picture-sign ${lamp}`}>
        {lamp === "busy" ? <span class="spinner" aria-hidden="true" /> : <Icon name="cameraOff" size={26} />}
      </span>
      <strong>{asking ? "Allow the camera" : title}</strong>
      <p>{asking ? "The browser asks above whether this page may use it." : sentence}</p>
      {own && !asking && <UseOwn desk={desk} camera={camera} />}
      {away && !asking && <UsePages desk={desk} camera={camera} />}
    </div>
  );
}

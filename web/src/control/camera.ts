/**
 * The browser's own camera, given to the program: asked of the browser, shown here, sent by camera_worker.ts. Whatever
 * keeps it from working is told in a sentence, here and (by BrowserCamera) on every other page.
 */

import { type Signal, signal } from "@preact/signals";
import type { Link } from "../link/link";
import type { Settings } from "../messages";
import { constraints, type FromWorker, longestOf, QUALITY, type ToWorker } from "./camera_frames";
import { insecure, MUTED, reason, TOO_OLD, UNPLUGGED } from "./camera_words";

/** off: another page or nobody gives. asking: the browser asks the user. on: pictures are sent. */
export type Giving = "off" | "asking" | "on" | "failed";

/** Milliseconds between readings of the program's clock for the worker. */
const CLOCK_EVERY = 1000;

/** MediaStreamTrackProcessor, which TypeScript's library does not know; Chromium has it in pages. */
interface TrackProcessor {
  readonly readable: ReadableStream<VideoFrame>;
}
type TrackProcessorMaker = new (init: { track: MediaStreamTrack }) => TrackProcessor;

/** Gives this page's camera to the program. */
export class OwnCamera {
  readonly giving: Signal<Giving> = signal("off");
  /** Why it does not work, "" if it does. */
  readonly message: Signal<string> = signal("");
  /** What to show as one's own picture. */
  readonly stream: Signal<MediaStream | null> = signal(null);
  readonly devices: Signal<MediaDeviceInfo[]> = signal([]);
  /** The device chosen, "" for whichever the browser likes. */
  readonly device: Signal<string> = signal("");
  #worker: Worker | null = null;
  #video: HTMLVideoElement | null = null;
  #clock: ReturnType<typeof setInterval> | undefined;
  #asked: Pick<Settings, "size" | "fps"> = { size: "", fps: 30 };
  #attempt = 0;
  #awake: WakeLockSentinel | null = null;

  constructor(private readonly link: Link) {
    navigator.mediaDevices?.addEventListener("devicechange", () => this.#changed());
    link.onOpen(() => {
      if (link.refused) this.#end(""); // its own connection would be refused as well, again and again
    });
  }

  /** Begins to give pictures; safe to call again with other settings. */
  async start(settings: Pick<Settings, "size" | "fps">): Promise<void> {
    this.#release();
    this.#asked = { size: settings.size, fps: settings.fps };
    this.#attempt += 1;
    const attempt = this.#attempt;
    if (!globalThis.isSecureContext || !navigator.mediaDevices?.getUserMedia) {
      const { hostname, port } = location;
      this.#failed(insecure({ secure: false, host: hostname, port }));
      return;
    }
    if (typeof OffscreenCanvas === "undefined") {
      this.#failed(TOO_OLD);
      return;
    }
    this.giving.value = "asking";
    this.message.value = "";
    try {
      const video = constraints(this.#asked, this.device.value);
      const stream = await navigator.mediaDevices.getUserMedia({ video, audio: false });
      if (attempt !== this.#attempt) for (const track of stream.getTracks()) track.stop();
      else await this.#give(stream);
    } catch (error) {
      if (attempt === this.#attempt) this.#failed(reason(error));
    }
  }

  /** Gives no more. */
  stop(): void {
    if (this.giving.value === "off") return;
    this.#end("");
    this.link.remember({ kind: "browser_camera", on: false, message: "" });
  }

  /** Another device; goes on giving if it gives. */
  async choose(device: string): Promise<void> {
    this.device.value = device;
    if (this.giving.value !== "off") await this.start(this.#asked);
  }

  /** Asks for other settings of the camera that is given. */
  async adjust(settings: Pick<Settings, "size" | "fps">): Promise<void> {
    if (settings.size === this.#asked.size && settings.fps === this.#asked.fps) return;
    await this.start(settings);
  }

  async #give(stream: MediaStream): Promise<void> {
    const track = stream.getVideoTracks()[0];
    if (!track) throw new DOMException("no picture", "NotFoundError");
    this.stream.value = stream;
    track.addEventListener("ended", () => this.#failed(UNPLUGGED));
    track.addEventListener("mute", () => this.#told(MUTED));
    track.addEventListener("unmute", () => this.#told(""));
    const worker = new Worker(new URL("./camera_worker.ts", import.meta.url), { type: "module" });
    this.#worker = worker;
    worker.onmessage = (event: MessageEvent<FromWorker>) => this.#heard(event.data);
    worker.onerror = (event) => this.#failed(`The camera's worker failed: ${event.message}`);
    this.#say({ kind: "open", address: cameraAddress(), longest: longestOf(this.#asked), quality: QUALITY });
    this.#tick();
    this.#clock = setInterval(() => this.#tick(), CLOCK_EVERY);
    this.#feed(stream, track);
    this.giving.value = "on";
    this.#told("");
    await this.#list();
    this.#awake = (await navigator.wakeLock?.request("screen").catch(() => null)) ?? null;
  }

  /** Frames to the worker: as a stream where the browser can, else one by one from a video element. */
  #feed(stream: MediaStream, track: MediaStreamTrack): void {
    const Processor = (globalThis as { MediaStreamTrackProcessor?: TrackProcessorMaker }).MediaStreamTrackProcessor;
    if (Processor) {
      const frames = new Processor({ track }).readable;
      this.#say({ kind: "stream", frames }, [frames]);
      return;
    }
    const video = document.createElement("video");
    video.muted = true;
    video.playsInline = true;
    video.srcObject = stream;
    this.#video = video;
    void video.play().then(() => this.#next(video));
  }

  #next(video: HTMLVideoElement): void {
    if (video !== this.#video) return;
    video.requestVideoFrameCallback((now, metadata) => {
      const age = metadata.captureTime === undefined ? 0 : Math.max(0, performance.now() - metadata.captureTime);
      const taken = performance.timeOrigin + (age < 1000 ? performance.now() - age : now);
      createImageBitmap(video)
        .then((picture) => this.#say({ kind: "frame", picture, taken }, [picture]))
        .catch(() => undefined) // the video has just been taken away
        .finally(() => this.#next(video));
    });
  }

  /** Tells the worker the difference between the program's clock and this computer's. */
  #tick(): void {
    if (!this.link.clock.known) return;
    const offset = this.link.clock.now() - (performance.timeOrigin + performance.now()) / 1000;
    this.#say({ kind: "clock", offset });
  }

  #heard(message: FromWorker): void {
    if (message.kind === "refused") {
      this.#end(message.reason || "Another page gives its camera now."); // which is no business of the other page's
    } else if (message.kind === "failed") this.#failed(message.message);
  }

  async #list(): Promise<void> {
    const all = await navigator.mediaDevices.enumerateDevices();
    this.devices.value = all.filter((device) => device.kind === "videoinput" && device.deviceId !== "");
  }

  #changed(): void {
    void this.#list();
    if (this.giving.value === "failed") void this.start(this.#asked);
  }

  #told(message: string): void {
    this.message.value = message;
    this.link.remember({ kind: "browser_camera", on: message === "", message });
  }

  #failed(message: string): void {
    this.#release();
    this.giving.value = "failed";
    this.#told(message);
  }

  #end(message: string): void {
    this.#attempt += 1;
    this.#release();
    this.giving.value = "off";
    this.message.value = message;
  }

  #say(message: ToWorker, transfer: Transferable[] = []): void {
    this.#worker?.postMessage(message, transfer);
  }

  #release(): void {
    clearInterval(this.#clock);
    this.#say({ kind: "close" });
    this.#worker = null;
    if (this.#video) this.#video.srcObject = null;
    this.#video = null;
    for (const track of this.stream.value?.getTracks() ?? []) track.stop();
    this.stream.value = null;
    void this.#awake?.release();
    this.#awake = null;
  }
}

function cameraAddress(): string {
  const address = new URL("/ws/camera", location.href);
  address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
  return address.href;
}

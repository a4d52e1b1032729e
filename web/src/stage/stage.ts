// The stage: what the program says is put on a canvas, picture after picture.
//
// A motion is taken up when it comes and drawn with the next picture of the display. Pictures are drawn only while
// something changes. What is behind the figures is the canvas's own CSS background: a colour is exactly that colour, a
// picture covers the stage, and nothing of either costs anything.

import type { Link } from "../link/link";
import { Binary, type Figure, type Motion, type Scene } from "../messages";
import { Meter } from "./meter";
import { Cadence, Mover } from "./motion";
import type { RigPose } from "./pose";
import { type Framing, fetchPuppet, type Puppet, type Rig } from "./puppet";
import { type Capture, PuppetScene } from "./scene";

/** Seconds that a picture was asked for in vain: nobody was looking, and the figures are at once where they belong. */
const UNSEEN = 0.25;
/**
 * Seconds between pictures, other than those with a new motion, where the processor has to draw them: it has people to
 * find in the camera's pictures, and one of 1280x720 costs it 20 ms and more.
 */
const SPARING = 1 / 30;
/** Milliseconds until a character that could not be had is asked for again. */
const ASK_AGAIN = 2000;

/** What a page may decide for itself, in place of what the program says. */
export interface Overrides {
  framing?: Framing;
  background?: string;
  shadow?: boolean;
  mirror?: boolean;
}

/**
 * What a Stage may be told. trouble: called with a plain sentence, or "" once all is well again. ready: called whenever a
 * character is there to be seen.
 */
export interface StageOptions extends Overrides {
  trouble?: (sentence: string) => void;
  ready?: () => void;
}

/** How the page does. work: milliseconds of the main thread a picture, median; rates a second, over the last second. */
export interface Stats {
  work: number;
  drawRate: number;
  motionRate: number;
  pictures: number;
  motions: number;
  sequence: number;
}

/** A stage on a canvas, fed by a link. */
export class Stage {
  readonly stats: Stats = { work: 0, drawRate: 0, motionRate: 0, pictures: 0, motions: 0, sequence: -1 };
  private readonly scene: PuppetScene | undefined;
  private readonly movers = new Map<number, Mover>();
  private readonly cadence = new Cadence();
  private readonly drawn = new Meter();
  private readonly heard = new Meter();
  private readonly stops: (() => void)[] = [];
  private shown: (Scene & { revision: number }) | undefined;
  private rig: Rig | undefined;
  private loading: AbortController | undefined;
  private loaded: string | undefined;
  private latest: Motion | undefined;
  private unacknowledged: { sequence: number; posed: number } | undefined;
  private waiting: number | undefined;
  private again: ReturnType<typeof setTimeout> | undefined;
  private asked = 0;
  private unseen = false;
  private fresh = false;
  private last = -Infinity;
  private stale = true;
  private lost = false;

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly link: Link,
    private readonly options: StageOptions = {},
  ) {
    try {
      this.scene = new PuppetScene(canvas);
    } catch (error) {
      console.error(error);
      this.trouble("This browser has no WebGL 2, so the character cannot be drawn; update it, or allow its GPU.");
      return;
    }
    this.scene.mirror = options.mirror ?? false;
    this.stops.push(link.on("scene", (scene) => this.change(scene)));
    this.stops.push(link.onFrame(Binary.MOTION, (motion) => this.take(motion)));
    this.follow(canvas, "webglcontextlost", (event) => this.loseGpu(event));
    this.follow(canvas, "webglcontextrestored", () => this.restoreGpu());
    this.follow(document, "visibilitychange", () => this.see());
    const watch = new ResizeObserver((entries) => this.resize(entries[0]));
    watch.observe(canvas);
    this.stops.push(() => watch.disconnect());
    this.setBackground();
  }

  /** The address of the character that is there to be seen; undefined before there is one. */
  get puppet(): string | undefined {
    return this.loading ? undefined : this.loaded;
  }

  /** Whether nothing moves and no picture is asked for. */
  get still(): boolean {
    return this.waiting === undefined;
  }

  /** The picture as it is drawn now, without what is behind the figures. */
  capture(): Capture {
    if (!this.scene) throw new Error("nothing is drawn: this browser has no WebGL 2");
    return this.scene.capture();
  }

  /** Leave the canvas. */
  close(): void {
    for (const stop of this.stops) stop();
    if (this.waiting !== undefined) cancelAnimationFrame(this.waiting);
    clearTimeout(this.again);
    this.loading?.abort();
    this.scene?.dispose();
  }

  private follow<E extends Event>(target: EventTarget, name: string, handler: (event: E) => void): void {
    target.addEventListener(name, handler as EventListener);
    this.stops.push(() => target.removeEventListener(name, handler as EventListener));
  }

  private trouble(sentence: string): void {
    this.options.trouble?.(sentence);
  }

  // ---- what is shown ------------------------------------------------------------------------------------------------

  private change(scene: Scene): void {
    if (!this.scene) return;
    const other = scene.puppet !== this.shown?.puppet;
    this.shown = { ...scene, revision: (this.shown?.revision ?? 0) + 1 };
    this.scene.framing = this.options.framing ?? scene.framing;
    this.scene.shadow = this.options.shadow ?? scene.shadow;
    this.setBackground();
    this.stale = true;
    if (other && scene.puppet) void this.load(scene.puppet);
    this.wake();
  }

  private setBackground(): void {
    const background = this.options.background ?? this.shown?.background ?? "transparent";
    const style = this.canvas.style;
    if (background === "transparent" || CSS.supports("color", background)) {
      style.background = background;
    } else {
      style.background = `center / cover no-repeat url(${JSON.stringify(background)})`;
    }
  }

  /** Fetch a character; until it is there the old one stays as it is. */
  private async load(address: string): Promise<void> {
    this.loading?.abort();
    clearTimeout(this.again);
    const loading = new AbortController();
    this.loading = loading;
    let puppet: Puppet;
    try {
      puppet = await fetchPuppet(address, loading.signal);
    } catch (error) {
      if (loading.signal.aborted) return;
      console.error(error);
      const why = error instanceof Error ? error.message : String(error);
      this.trouble(`The character cannot be fetched from the program; trying again. (${why})`);
      this.again = setTimeout(() => void this.load(address), ASK_AGAIN);
      return;
    }
    if (loading.signal.aborted) return;
    this.loading = undefined;
    this.loaded = address;
    this.trouble("");
    this.scene?.show(puppet);
    this.options.ready?.();
    this.rig = puppet.rig;
    this.movers.clear();
    if (this.latest) this.holdFigures(this.latest);
    this.stale = true;
    this.wake();
  }

  // ---- motions ------------------------------------------------------------------------------------------------------

  private take(motion: Motion): void {
    this.acknowledge(0); // whatever was not drawn yet is overtaken
    this.latest = motion;
    this.heard.count(this.link.clock.local());
    this.stats.motions += 1;
    this.stats.motionRate = this.heard.rate;
    this.stats.sequence = motion.sequence;
    if (!this.loading) this.holdFigures(motion);
    this.fresh = true;
    this.unacknowledged = { sequence: motion.sequence, posed: this.link.clock.now() };
    if (document.hidden || !this.scene || this.lost || !this.rig) this.acknowledge(0);
    this.wake();
  }

  /** The figures have the motion from now on. */
  private holdFigures(motion: Motion): void {
    const { rig } = this;
    if (!rig) return;
    const now = this.link.clock.local();
    const due = this.cadence.heard(motion.time, now);
    const seen = new Set<number>();
    motion.figures.forEach((figure, index) => {
      if (figure.bone_count !== rig.parents.length) return; // of the character before or after
      const key = keyOf(figure, index);
      seen.add(key);
      let mover = this.movers.get(key);
      if (!mover) {
        mover = new Mover(rig);
        this.movers.set(key, mover);
      }
      mover.take(figure, motion.time, due, now, this.cadence.interval);
    });
    for (const key of this.movers.keys()) if (!seen.has(key)) this.movers.delete(key);
  }

  private acknowledge(drawn: number): void {
    const motion = this.unacknowledged;
    if (!motion) return;
    this.unacknowledged = undefined;
    const { drawRate: draw_rate, work } = this.stats;
    this.link.send({ kind: "ack", ...motion, drawn, draw_rate, work });
  }

  // ---- pictures -----------------------------------------------------------------------------------------------------

  private resize(entry: ResizeObserverEntry | undefined): void {
    const box = entry?.devicePixelContentBoxSize?.[0];
    const width = pixels(this.canvas.clientWidth, box?.inlineSize);
    const height = pixels(this.canvas.clientHeight, box?.blockSize);
    this.scene?.resize(width, height);
    this.stale = true;
    this.picture(); // at once: a canvas that was resized is empty
  }

  private see(): void {
    this.unseen ||= document.hidden;
    this.wake();
  }

  private wake(): void {
    if (this.waiting !== undefined || document.hidden) return;
    this.asked = this.link.clock.local();
    this.waiting = requestAnimationFrame(() => {
      this.waiting = undefined;
      const early = this.link.clock.local() - this.last < SPARING;
      if (this.scene?.software && early && !this.fresh && !this.stale) this.wake();
      else this.picture();
    });
  }

  private picture(): void {
    const { scene, rig } = this;
    if (!scene || this.lost) return;
    const began = performance.now();
    const now = this.link.clock.local();
    if (this.unseen || now - this.asked > UNSEEN) {
      for (const mover of this.movers.values()) mover.snap();
      scene.reset();
      this.unseen = false;
    }
    const poses: RigPose[] = [];
    let settled = true;
    for (const mover of this.movers.values()) {
      poses.push(mover.at(now));
      settled &&= mover.settled(now);
    }
    this.fresh = false;
    this.last = now;
    const changed = (rig ? scene.pose(poses) : false) || this.stale;
    if (changed) scene.render();
    this.stale = false;
    if (changed) this.measure(now, performance.now() - began);
    this.acknowledge(this.link.clock.now());
    if (changed || !settled) this.wake();
  }

  private measure(now: number, work: number): void {
    this.drawn.count(now, work);
    this.stats.pictures += 1;
    this.stats.drawRate = this.drawn.rate;
    this.stats.work = this.drawn.median;
  }

  private loseGpu(event: Event): void {
    event.preventDefault(); // else it never comes back
    this.lost = true;
    this.acknowledge(0);
  }

  private restoreGpu(): void {
    this.lost = false;
    this.scene?.restored();
    this.stale = true;
    this.wake();
  }
}

function keyOf(figure: Figure, index: number): number {
  return figure.person >= 0 ? figure.person : -1 - index;
}

/** Pixels of the screen that so many CSS pixels have; exactly as many as the browser says, if that can be believed. */
function pixels(css: number, said: number | undefined): number {
  const wanted = css * window.devicePixelRatio;
  return said !== undefined && Math.abs(said - wanted) < 2 ? said : Math.round(wanted);
}

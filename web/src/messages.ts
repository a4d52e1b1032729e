// Made by `python -m bodydouble.stage.typescript` from src/bodydouble/stage/messages.py: change that.

/** Raised when a message changes its meaning; a page of another number reloads itself. */
export const PROTOCOL = 1;

/** The first byte of a binary frame. */
export enum Binary {
  /** program -> page: what every character does at one time */
  MOTION = 1,
  /** program -> control page: the people's points in the camera's picture */
  PEOPLE = 2,
  /** program -> control page: the camera's picture, a JPEG */
  PREVIEW = 3,
  /** page -> program: one frame of the browser's own camera, a JPEG */
  CAMERA = 4,
}

/** A size and rate that a camera offers. */
export interface CameraMode {
  width: number;
  height: number;
  fps: number;
}

/**
 * A camera as the page lists it. name: what `--camera` and Settings.camera take; label: what people read.
 *
 * kind: only a camera and the browser's can be asked for a size and rate.
 */
export interface CameraChoice {
  name: string;
  label: string;
  modes: CameraMode[];
  kind: "camera" | "file" | "stream" | "browser";
}

/** A character as the page lists it. thumbnail: address of a PNG. own: added by the user, may be removed. */
export interface CharacterChoice {
  name: string;
  label: string;
  author: string;
  thumbnail: string;
  own: boolean;
}

/**
 * How the camera does. state: one word for the colour of a lamp; message: one plain sentence, "" if all is well.
 *
 * size, fps: as granted and as measured. captured, dropped: frames since the start; dropped ones were overtaken by
 * newer ones before the model was free.
 */
export interface SourceReport {
  name: string;
  state: "opening" | "live" | "waiting" | "busy" | "no_permission" | "unplugged" | "black" | "failed";
  message: string;
  size: [number, number];
  fps: number;
  captured: number;
  dropped: number;
}

/** The model in use. loading: one that is being fetched or warmed up, "" if none; progress of it 0..1. */
export interface ModelReport {
  name: string;
  provider: string;
  automatic: boolean;
  loading: string;
  progress: number;
  milliseconds: number;
}

/**
 * Milliseconds from a frame's capture, over the last ten seconds: until the program was done, until a page had
 * posed the character, until it had drawn it; 50th and 95th percentile, 0 where unknown.
 */
export interface LatencyReport {
  ready: [number, number];
  posed: [number, number];
  drawn: [number, number];
  pose_rate: number;
  draw_rate: number;
}

/**
 * state: off, recording, or saving (a film is being made; progress 0..1). path: of the last or current take.
 *
 * film: the address to fetch the film made last from, "" if none was made.
 */
export interface RecordingReport {
  state: "off" | "recording" | "saving";
  path: string;
  seconds: number;
  frames: number;
  progress: number;
  message: string;
  film: string;
}

/** The virtual camera and the feeds. message: why it is not there and what to do, "" if all is well. */
export interface OutputReport {
  virtual_camera: boolean;
  virtual_camera_device: string;
  message: string;
  osc: string;
  pages: number;
}

/**
 * state: none, countdown (seconds left), holding (stand still), done, failed (message says why).
 *
 * calibrated: one made now or before is in force.
 */
export interface CalibrationReport {
  state: "none" | "countdown" | "holding" | "done" | "failed";
  seconds: number;
  message: string;
  calibrated: boolean;
}

/**
 * All that a user may choose; kept per camera and character in live.toml (stage/settings.py).
 *
 * camera: a camera's name, "browser", a file or an address. size: "" or WIDTHxHEIGHT asked of the camera. fps: asked.
 * person: "largest" or "all". smooth: 0..1. place: 0 stays put, 1 goes where the person goes. compensation: 0..1, how
 * much of the delay is made up for by prediction. fov: degrees, 0 leaves perspective in. background: "transparent", a
 * CSS colour (chroma), or "picture:NAME" of the pictures folder. framing: what of the character is shown.
 */
export interface Settings {
  camera: string;
  size: string;
  fps: number;
  character: string;
  model: string;
  device: string;
  person: "largest" | "all";
  mirror: boolean;
  smooth: number;
  place: number;
  compensation: number;
  fov: number;
  framing: "full" | "half" | "head";
  background: string;
  shadow: boolean;
}

/** First word to every page. session: changes when the program was started anew. */
export interface Hello {
  kind: "hello";
  version: string;
  protocol: number;
  session: string;
}

/**
 * What the stage shows. puppet: address of the character's mesh; it changes when the character does.
 *
 * background: "transparent", "#rrggbb", or the address of a picture. mirror is already in the motion.
 */
export interface Scene {
  kind: "scene";
  character: string;
  puppet: string;
  framing: "full" | "half" | "head";
  background: string;
  shadow: boolean;
}

/** The settings in force; sent when they change, whoever changed them. */
export interface State {
  kind: "state";
  settings: Settings;
}

/** What there is to choose from; sent at the start and when it changes. */
export interface Choices {
  kind: "choices";
  cameras: CameraChoice[];
  characters: CharacterChoice[];
  models: string[];
  backgrounds: string[];
  stage_address: string;
  lan_address: string;
}

/**
 * How all goes, twice a second. confidence: 0..1 of the person followed. hint: a plain sentence when tracking is
 * poor, and why; "" when it is not. people: in sight.
 */
export interface Status {
  kind: "status";
  time: number;
  source: SourceReport;
  model: ModelReport;
  latency: LatencyReport;
  recording: RecordingReport;
  output: OutputReport;
  calibration: CalibrationReport;
  confidence: number;
  hint: string;
  people: number;
}

/** What became of a command. message: for people; path: of a file that was made, as an address to fetch it from. */
export interface Answer {
  kind: "answer";
  id: number;
  ok: boolean;
  message: string;
  path: string;
}

/** sent: as in the Ping. time: the program's clock when it came. */
export interface Pong {
  kind: "pong";
  sent: number;
  time: number;
}

/** sent: the page's own clock, any unit; comes back as it is. */
export interface Ping {
  kind: "ping";
  sent: number;
}

/**
 * A motion was taken up. posed: when the character had its pose; drawn: when a picture with it was drawn, 0 if it
 * was overtaken. Program's clock. A page that does not acknowledge is sent no more than a few motions ahead.
 * work: milliseconds of the page's main thread that a picture takes, median of the last second; 0 if none was.
 */
export interface Ack {
  kind: "ack";
  sequence: number;
  posed: number;
  drawn: number;
  draw_rate: number;
  work?: number;
}

/** Other settings; only the named ones change. */
export interface Change {
  kind: "change";
  id: number;
  settings: { [name: string]: string | number | boolean };
}

/**
 * Begin the countdown of so many seconds; 0 forgets the calibration; less than 0 leaves off a countdown or
 * measurement that is going on, and the calibration made before stays.
 */
export interface Calibrate {
  kind: "calibrate";
  id: number;
  seconds: number;
}

/** Start or stop a recording. film: also make a video of the character when it stops. */
export interface Record {
  kind: "record";
  id: number;
  on: boolean;
  film?: boolean;
}

/** Save the character as it is now, as PNG. */
export interface Snapshot {
  kind: "snapshot";
  id: number;
  transparent?: boolean;
}

/** Switch the virtual camera. */
export interface VirtualCamera {
  kind: "virtual_camera";
  id: number;
  on: boolean;
}

/** Follow the person at this place of the picture. */
export interface Follow {
  kind: "follow";
  id: number;
  x: number;
  y: number;
}

/** List cameras and characters anew. */
export interface Refresh {
  kind: "refresh";
  id: number;
}

/** Whether this page wants the camera's picture, and how wide at most, in pixels. */
export interface Preview {
  kind: "preview";
  on: boolean;
  width?: number;
}

/** State of the page's own camera: on, or why not (for the status that every page shows). */
export interface BrowserCamera {
  kind: "browser_camera";
  on: boolean;
  message?: string;
}

/** What the program says. */
export type FromProgram = Hello | Scene | State | Choices | Status | Answer | Pong;

/** What a page says. */
export type FromPage =
  | Ping
  | Ack
  | Change
  | Calibrate
  | Record
  | Snapshot
  | VirtualCamera
  | Follow
  | Refresh
  | Preview
  | BrowserCamera;

/** Bytes that are not a frame, or values that do not make one. */
export class FrameError extends Error {
  override name = "FrameError";
}

/** Reads a frame's fields one after the other; every read is checked against the end. */
class Reader {
  private readonly view: DataView<ArrayBuffer>;
  private offset = 0;

  constructor(
    buffer: ArrayBuffer,
    private readonly layout: string,
    binary: Binary,
  ) {
    this.view = new DataView(buffer);
    const first = buffer.byteLength > 0 ? this.view.getUint8(0) : -1;
    if (first !== binary) throw new FrameError(`${layout} frame begins with ${first}; wanted ${binary}`);
  }

  private take(bytes: number): number {
    const start = this.offset;
    const end = start + bytes;
    if (end > this.view.byteLength) {
      throw new FrameError(`${this.layout} frame has ${this.view.byteLength} bytes; wanted ${end} or more`);
    }
    this.offset = end;
    return start;
  }

  u8(): number {
    return this.view.getUint8(this.take(1));
  }

  u16(): number {
    return this.view.getUint16(this.take(2), true);
  }

  u32(): number {
    return this.view.getUint32(this.take(4), true);
  }

  i32(): number {
    return this.view.getInt32(this.take(4), true);
  }

  f32(): number {
    return this.view.getFloat32(this.take(4), true);
  }

  f64(): number {
    return this.view.getFloat64(this.take(8), true);
  }

  /** So many numbers: a view of the frame where they are aligned, else a copy. */
  floats(count: number): Float32Array<ArrayBuffer> {
    const start = this.take(4 * count);
    if (start % 4 === 0) return new Float32Array(this.view.buffer, start, count);
    return new Float32Array(this.view.buffer.slice(start, start + 4 * count));
  }

  rest(): Uint8Array<ArrayBuffer> {
    const start = this.take(this.view.byteLength - this.offset);
    return new Uint8Array(this.view.buffer, start);
  }

  end(): void {
    if (this.offset !== this.view.byteLength) {
      throw new FrameError(`${this.layout} frame has ${this.view.byteLength} bytes; wanted ${this.offset}`);
    }
  }
}

/** Writes a frame's fields one after the other into a buffer that grows. */
class Writer {
  private view = new DataView(new ArrayBuffer(256));
  private offset = 0;

  constructor(private readonly layout: string) {}

  private take(bytes: number): number {
    const start = this.offset;
    this.offset += bytes;
    if (this.offset > this.view.byteLength) {
      const grown = new Uint8Array(Math.max(this.offset, 2 * this.view.byteLength));
      grown.set(new Uint8Array(this.view.buffer, 0, start));
      this.view = new DataView(grown.buffer);
    }
    return start;
  }

  u8(value: number): void {
    const at = this.take(1);
    this.view.setUint8(at, value);
  }

  u16(value: number): void {
    const at = this.take(2);
    this.view.setUint16(at, value, true);
  }

  u32(value: number): void {
    const at = this.take(4);
    this.view.setUint32(at, value, true);
  }

  i32(value: number): void {
    const at = this.take(4);
    this.view.setInt32(at, value, true);
  }

  f32(value: number): void {
    const at = this.take(4);
    this.view.setFloat32(at, value, true);
  }

  f64(value: number): void {
    const at = this.take(8);
    this.view.setFloat64(at, value, true);
  }

  count(field: string, given: number, wanted: number): void {
    if (given !== wanted) throw new FrameError(`${this.layout} frame: ${field} has ${given}; wanted ${wanted}`);
  }

  floats(field: string, values: ArrayLike<number>, wanted: number): void {
    this.count(field, values.length, wanted);
    for (let at = 0; at < values.length; at++) this.f32(values[at] as number);
  }

  rest(bytes: Uint8Array): void {
    const start = this.take(bytes.length);
    new Uint8Array(this.view.buffer, start).set(bytes);
  }

  finished(): ArrayBuffer {
    return this.view.buffer.slice(0, this.offset);
  }
}

/** One Figure of a frame. */
export interface Figure {
  person: number;
  /** 0 tracked, 1 upper body, 2 turned away, 3 lost */
  state: number;
  /** 0 eyes open .. 255 shut */
  blink: number;
  bone_count: number;
  offset: [number, number];
  size: number;
  facing: number;
  heads: Float32Array<ArrayBuffer>;
  angles: Float32Array<ArrayBuffer>;
  lengths: Float32Array<ArrayBuffer>;
  nearness: Float32Array<ArrayBuffer>;
}

function readFigure(from: Reader): Figure {
  const person = from.i32();
  const state = from.u8();
  const blink = from.u8();
  const bone_count = from.u16();
  const offset: [number, number] = [from.f32(), from.f32()];
  const size = from.f32();
  const facing = from.f32();
  const heads = from.floats(bone_count * 2);
  const angles = from.floats(bone_count);
  const lengths = from.floats(bone_count);
  const nearness = from.floats(bone_count);
  return { person, state, blink, bone_count, offset, size, facing, heads, angles, lengths, nearness };
}

function writeFigure(to: Writer, value: Figure): void {
  to.i32(value.person);
  to.u8(value.state);
  to.u8(value.blink);
  to.u16(value.bone_count);
  to.floats("offset", value.offset, 2);
  to.f32(value.size);
  to.f32(value.facing);
  to.floats("heads", value.heads, value.bone_count * 2);
  to.floats("angles", value.angles, value.bone_count);
  to.floats("lengths", value.lengths, value.bone_count);
  to.floats("nearness", value.nearness, value.bone_count);
}

/** What a binary frame of type MOTION holds. */
export interface Motion {
  figure_count: number;
  /** bit 0: nobody is followed, the figures idle */
  flags: number;
  /** grows by one a motion; a page acknowledges it */
  sequence: number;
  /** when the camera's frame was taken; 0 where no frame is behind it */
  captured: number;
  /** the moment that the pose is for: captured, plus what was predicted */
  time: number;
  sent: number;
  figures: Figure[];
}

function readMotion(from: Reader): Motion {
  from.u8();
  const figure_count = from.u8();
  const flags = from.u16();
  const sequence = from.u32();
  const captured = from.f64();
  const time = from.f64();
  const sent = from.f64();
  const figures: Figure[] = [];
  for (let at = 0; at < figure_count; at++) figures.push(readFigure(from));
  return { figure_count, flags, sequence, captured, time, sent, figures };
}

function writeMotion(to: Writer, value: Motion): void {
  to.u8(Binary.MOTION);
  to.u8(value.figure_count);
  to.u16(value.flags);
  to.u32(value.sequence);
  to.f64(value.captured);
  to.f64(value.time);
  to.f64(value.sent);
  to.count("figures", value.figures.length, value.figure_count);
  for (const one of value.figures) writeFigure(to, one);
}

/** The Motion frame in `buffer`. Throws FrameError where it is none, too short or too long. */
export function decodeMotion(buffer: ArrayBuffer): Motion {
  const from = new Reader(buffer, "Motion", Binary.MOTION);
  const value = readMotion(from);
  from.end();
  return value;
}

/** The bytes of a Motion frame. Throws FrameError where a count and its array differ. */
export function encodeMotion(value: Motion): ArrayBuffer {
  const to = new Writer("Motion");
  writeMotion(to, value);
  return to.finished();
}

/** One Person of a frame. */
export interface Person {
  person: number;
  state: number;
  /** 1: this one moves the character */
  followed: number;
  point_count: number;
  /** fractions of the picture */
  points: Float32Array<ArrayBuffer>;
  scores: Float32Array<ArrayBuffer>;
}

function readPerson(from: Reader): Person {
  const person = from.i32();
  const state = from.u8();
  const followed = from.u8();
  const point_count = from.u16();
  const points = from.floats(point_count * 2);
  const scores = from.floats(point_count);
  return { person, state, followed, point_count, points, scores };
}

function writePerson(to: Writer, value: Person): void {
  to.i32(value.person);
  to.u8(value.state);
  to.u8(value.followed);
  to.u16(value.point_count);
  to.floats("points", value.points, value.point_count * 2);
  to.floats("scores", value.scores, value.point_count);
}

/** What a binary frame of type PEOPLE holds. */
export interface People {
  person_count: number;
  point_count: number;
  /** of the camera's picture, pixels */
  width: number;
  height: number;
  captured: number;
  people: Person[];
}

function readPeople(from: Reader): People {
  from.u8();
  const person_count = from.u8();
  const point_count = from.u16();
  const width = from.u16();
  const height = from.u16();
  const captured = from.f64();
  const people: Person[] = [];
  for (let at = 0; at < person_count; at++) people.push(readPerson(from));
  return { person_count, point_count, width, height, captured, people };
}

function writePeople(to: Writer, value: People): void {
  to.u8(Binary.PEOPLE);
  to.u8(value.person_count);
  to.u16(value.point_count);
  to.u16(value.width);
  to.u16(value.height);
  to.f64(value.captured);
  to.count("people", value.people.length, value.person_count);
  for (const one of value.people) writePerson(to, one);
}

/** The People frame in `buffer`. Throws FrameError where it is none, too short or too long. */
export function decodePeople(buffer: ArrayBuffer): People {
  const from = new Reader(buffer, "People", Binary.PEOPLE);
  const value = readPeople(from);
  from.end();
  return value;
}

/** The bytes of a People frame. Throws FrameError where a count and its array differ. */
export function encodePeople(value: People): ArrayBuffer {
  const to = new Writer("People");
  writePeople(to, value);
  return to.finished();
}

/** What a binary frame of type PREVIEW holds. */
export interface PreviewFrame {
  width: number;
  height: number;
  captured: number;
  jpeg: Uint8Array<ArrayBuffer>;
}

function readPreview(from: Reader): PreviewFrame {
  from.u8();
  from.u8();
  const width = from.u16();
  const height = from.u16();
  from.u16();
  const captured = from.f64();
  const jpeg = from.rest();
  return { width, height, captured, jpeg };
}

function writePreview(to: Writer, value: PreviewFrame): void {
  to.u8(Binary.PREVIEW);
  to.u8(0);
  to.u16(value.width);
  to.u16(value.height);
  to.u16(0);
  to.f64(value.captured);
  to.rest(value.jpeg);
}

/** The Preview frame in `buffer`. Throws FrameError where it is none, too short or too long. */
export function decodePreview(buffer: ArrayBuffer): PreviewFrame {
  const from = new Reader(buffer, "Preview", Binary.PREVIEW);
  const value = readPreview(from);
  from.end();
  return value;
}

/** The bytes of a Preview frame. Throws FrameError where a count and its array differ. */
export function encodePreview(value: PreviewFrame): ArrayBuffer {
  const to = new Writer("Preview");
  writePreview(to, value);
  return to.finished();
}

/** What a binary frame of type CAMERA holds. */
export interface CameraFrame {
  width: number;
  height: number;
  captured: number;
  jpeg: Uint8Array<ArrayBuffer>;
}

function readCameraFrame(from: Reader): CameraFrame {
  from.u8();
  from.u8();
  const width = from.u16();
  const height = from.u16();
  from.u16();
  const captured = from.f64();
  const jpeg = from.rest();
  return { width, height, captured, jpeg };
}

function writeCameraFrame(to: Writer, value: CameraFrame): void {
  to.u8(Binary.CAMERA);
  to.u8(0);
  to.u16(value.width);
  to.u16(value.height);
  to.u16(0);
  to.f64(value.captured);
  to.rest(value.jpeg);
}

/** The CameraFrame frame in `buffer`. Throws FrameError where it is none, too short or too long. */
export function decodeCameraFrame(buffer: ArrayBuffer): CameraFrame {
  const from = new Reader(buffer, "CameraFrame", Binary.CAMERA);
  const value = readCameraFrame(from);
  from.end();
  return value;
}

/** The bytes of a CameraFrame frame. Throws FrameError where a count and its array differ. */
export function encodeCameraFrame(value: CameraFrame): ArrayBuffer {
  const to = new Writer("CameraFrame");
  writeCameraFrame(to, value);
  return to.finished();
}

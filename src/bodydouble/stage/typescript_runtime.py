"""The part of web/src/messages.ts that does not depend on the messages: reading and writing bytes, little endian."""

from __future__ import annotations

RUNTIME = """
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
"""

/**
 * An engine sends what a program writes on its two outputs in one stream, in frames: a byte that says which, three of
 * nothing, four with the length, the bytes.
 */

const HEADER_BYTES = 8;

/** Which output a frame is of. */
export const OUTPUT = { standard: 1, error: 2 } as const;

/** Takes frames apart, and holds nothing of them. */
export class EngineFrames {
  readonly #read: (output: number, part: Buffer) => void;
  #header: Buffer = Buffer.alloc(0);
  #output = 0;
  #left = 0;

  /** @param read is given the bytes of each output as they come, in views of what came */
  constructor(read: (output: number, part: Buffer) => void) {
    this.#read = read;
  }

  /** Takes bytes as they come, cut anywhere. */
  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#left === 0) {
        const wanted = HEADER_BYTES - this.#header.length;
        this.#header = Buffer.concat([this.#header, chunk.subarray(at, at + wanted)]);
        at += wanted;
        if (this.#header.length < HEADER_BYTES) return;
        this.#output = this.#header[0]!;
        this.#left = this.#header.readUInt32BE(4);
        this.#header = Buffer.alloc(0);
        continue;
      }
      const part = chunk.subarray(at, at + this.#left);
      at += part.length;
      this.#left -= part.length;
      this.#read(this.#output, part);
    }
  }
}

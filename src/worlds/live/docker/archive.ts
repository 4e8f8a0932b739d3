/** Archives in the format that every engine reads (POSIX ustar): headers and contents in blocks of 512 bytes. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';

export interface ArchivedFile {
  /** From the root, without a slash in front; with one at the end: a folder. At most 100 bytes. */
  readonly path: string;
  /** Where its contents are on this machine, or they themselves; absent: none. */
  readonly from?: string | Buffer;
  /** What a symbolic link leads to. */
  readonly link?: string;
}

const BLOCK = 512;
const MAX_PATH = 100;

/** The archive, piece by piece: files are not held in memory. Throws RangeError for a path that is too long. */
export async function* archive(files: readonly ArchivedFile[]): AsyncGenerator<Buffer> {
  for (const { path, from, link } of files) {
    const size = from === undefined ? 0 : typeof from === 'string' ? (await stat(from)).size : from.length;
    yield header(path, size, link);
    if (typeof from === 'string') {
      let left = size;
      for await (const chunk of createReadStream(from)) {
        left -= (chunk as Buffer).length;
        yield chunk as Buffer;
      }
      if (left !== 0) throw new Error(`${from} changed while it was read: ${left} bytes are missing`);
    } else if (from !== undefined) yield from;
    yield Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);
  }
  yield Buffer.alloc(2 * BLOCK);
}

function header(path: string, size: number, link: string | undefined): Buffer {
  for (const one of [path, link ?? ''])
    if (Buffer.byteLength(one) > MAX_PATH)
      throw new RangeError(`found the path ${one}, expected at most ${MAX_PATH} bytes`);
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, length: number): void => {
    block.write(value.toString(8).padStart(length - 1, '0'), at, 'latin1');
  };
  block.write(path, 0, 'utf8');
  octal(path === 'tmp/' ? 0o1777 : 0o755, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  // The same contents make the same archive, whenever it is made.
  octal(0, 136, 12);
  block.write(' '.repeat(8), 148, 'latin1');
  block.write(link !== undefined ? '2' : path.endsWith('/') ? '5' : '0', 156, 'latin1');
  block.write(link ?? '', 157, 'utf8');
  block.write('ustar\x0000', 257, 'latin1');
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

/**
 * Images that are made on this machine, of what it has, so that a first live run needs no registry: the engine that this
 * program itself runs on (Node.js with the libraries that it has loaded) as `orrery-live/node`.
 */
import { realpathSync } from 'node:fs';
import { basename } from 'node:path';
import { Readable } from 'node:stream';
import type Docker from 'dockerode';
import { type ArchivedFile, archive } from './archive.ts';
import { Engine, type EngineFacts, isMissing } from './engine.ts';

/** Images of this repository are made here and are found in no registry. */
export const LOCAL_REPOSITORY = 'orrery-live/node';

const IMPORT_MS = 120_000;
const FOLDERS = ['bin/', 'etc/', 'lib/', 'tmp/', 'srv/', 'usr/', 'usr/bin/'];

/** Whether an image is one that is made here. */
export function isLocalImage(image: string): boolean {
  return image === LOCAL_REPOSITORY || image.startsWith(`${LOCAL_REPOSITORY}:`);
}

/** The image of this process's version of Node.js. */
export function ownImage(): string {
  return `${LOCAL_REPOSITORY}:${process.versions.node.split('.')[0]}`;
}

/** How engines call the architecture of this process. */
const ARCHITECTURES: Readonly<Record<string, string>> = {
  arm: 'arm',
  arm64: 'arm64',
  ia32: '386',
  ppc64: 'ppc64le',
  riscv64: 'riscv64',
  s390x: 's390x',
  x64: 'amd64',
};

/** Whether what runs here runs in an engine's containers: both are Linux on the same architecture. */
export function runsThere({ platform }: EngineFacts): boolean {
  return process.platform === 'linux' && platform === `linux/${ARCHITECTURES[process.arch]}`;
}

/**
 * Makes an image of this process's Node.js, unless the engine has one of that name.
 * @returns whether it was made
 * Throws on systems whose programs do not run in containers of Linux, and EngineError.
 */
export async function makeLocalImage(image: string, address: string | null = null): Promise<boolean> {
  const engine = new Engine(address);
  try {
    return await ensureLocalImage(engine, image);
  } finally {
    engine.close();
  }
}

/** The same at an engine that is there already. */
export async function ensureLocalImage(engine: Engine, image: string): Promise<boolean> {
  if (!isLocalImage(image)) throw new Error(`found the image ${image}, expected one of ${LOCAL_REPOSITORY}`);
  if (await isThere(engine, image)) return false;
  const files = ownFiles();
  await engine.call(`make the image ${image}`, docker => importImage(docker, image, files), IMPORT_MS);
  return true;
}

/** Removes an image that was made here; false when it was not there. */
export async function removeLocalImage(image: string, address: string | null = null): Promise<boolean> {
  if (!isLocalImage(image)) throw new Error(`found the image ${image}, expected one of ${LOCAL_REPOSITORY}`);
  const engine = new Engine(address);
  try {
    await engine.call(`remove the image ${image}`, docker => docker.getImage(image).remove({ force: true }));
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  } finally {
    engine.close();
  }
}

async function isThere(engine: Engine, image: string): Promise<boolean> {
  try {
    await engine.call(`look at the image ${image}`, docker => docker.getImage(image).inspect());
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/** This program's binary, and every library that it has loaded, where its loader looks for them. */
function ownFiles(): ArchivedFile[] {
  if (process.platform !== 'linux')
    throw new Error(`an image of this machine's own Node.js wants Linux, found ${process.platform}`);
  const { sharedObjects } = process.report.getReport() as { sharedObjects: readonly string[] };
  const loaded = sharedObjects.filter(path => path.startsWith('/') && path.includes('.so'));
  const loader = loaded.find(path => basename(path).startsWith('ld-'));
  if (loader === undefined) throw new Error('found no loader among the libraries of this program, expected one');
  const folders = new Set(FOLDERS);
  const libraries = loaded.map((path): ArchivedFile => {
    // The loader is named by its whole path in the binary; it looks for all others in its standard folders.
    const at = path === loader ? path.slice(1) : `lib/${basename(path)}`;
    folders.add(`${at.slice(0, at.lastIndexOf('/'))}/`);
    return { path: at, from: realpathSync(path) };
  });
  const users = Buffer.from('root:x:0:0:root:/:/bin/node\nnobody:x:65534:65534:nobody:/:/bin/node\n');
  return [
    ...[...folders].map(path => ({ path })),
    { path: 'etc/passwd', from: users },
    ...libraries,
    { path: 'usr/bin/node', from: realpathSync(process.execPath) },
    { path: 'bin/node', link: '/usr/bin/node' },
  ];
}

async function importImage(docker: Docker, image: string, files: readonly ArchivedFile[]): Promise<void> {
  const cut = image.indexOf(':');
  const [repo, tag] = cut < 0 ? [image, 'latest'] : [image.slice(0, cut), image.slice(cut + 1)];
  const answer = await new Promise<NodeJS.ReadableStream>((resolve, reject) => {
    docker.modem.dial(
      {
        path: '/images/create?',
        method: 'POST',
        options: { fromSrc: '-', repo, tag, changes: ['ENV PATH=/usr/bin:/bin'] },
        file: Readable.from(archive(files)),
        isStream: true,
        statusCodes: { 200: true, 500: 'server error' },
      },
      (error: unknown, stream: unknown) => (error ? reject(error) : resolve(stream as NodeJS.ReadableStream)),
    );
  });
  let said = '';
  for await (const chunk of answer) said = (said + String(chunk)).slice(-4_096);
  if (said.includes('"error"')) throw new Error(`the engine did not import ${image}: ${said}`);
}

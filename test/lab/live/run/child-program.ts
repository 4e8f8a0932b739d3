/** A child of a launcher that does nothing but say that it is ready, after as many milliseconds as its home's name has. */
import { basename } from 'node:path';

const delay_ms = Number(
  basename(process.argv[3] as string)
    .split('-')
    .at(-1),
);
process.on('message', order => {
  if ((order as { type: string }).type === 'stop') process.disconnect?.();
});
process.once('disconnect', () => process.exit(0));
setTimeout(() => process.send?.({ type: 'ready', api: null }), delay_ms);

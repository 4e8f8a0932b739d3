/** Tenants and providers struck at drawn moments; each case by its seed, so that one that fails is at hand again. */
import { describe, expect, test } from 'vitest';
import { sdlOf } from '../support/lease-net.ts';
import { drawChaos, runChaos } from './lease-chaos.ts';

/** More of them with ORRERY_CHAOS=1000, say. */
const CASES = Number(process.env.ORRERY_CHAOS ?? 60);

describe('whatever is struck, manifests run where they are leased, and nowhere else', { timeout: 300_000 }, () => {
  const outcomes = { leases: 0, started: 0, updated: 0, restarts: 0 };

  test.each(Array.from({ length: CASES }, (_, i) => `chaos/${i}`))('%s', seed => {
    const { net, problems } = runChaos(drawChaos(seed));
    expect(problems).toEqual([]);
    outcomes.leases += net.eventsOf('LeaseCreated').length;
    outcomes.updated += net.eventsOf('DeploymentUpdated').length;
    outcomes.started += net.started.length;
    outcomes.restarts += net.failedRequests.length;
  });

  test('and something was struck, leased, updated and run', () => {
    for (const count of Object.values(outcomes)) expect(count).toBeGreaterThan(0);
  });
});

describe('the check itself', () => {
  test('finds a container that runs what no manifest says, and one that does not run', () => {
    const wanted = { tenant: 'tenant-0', at: 1_000_000, sdl: sdlOf([{ name: 'web', image: 'good' }]), persist: false };
    const { net, problems } = runChaos({ options: {}, wanted: [{ ...wanted, lifetime_us: null, update: null }] });
    expect(problems).toEqual([]);
    const [spec] = net.running('provider-0');
    const doctored = runChaos({
      options: {
        wrap: (name, actor) =>
          name !== 'provider-0'
            ? actor
            : {
                receive: (input, now, out) =>
                  actor.receive(
                    input,
                    now,
                    new Proxy(out, {
                      get: (target, effect: keyof typeof out) =>
                        effect === 'startWorkload'
                          ? (one: typeof spec & object) => target.startWorkload({ ...one, image: 'evil' })
                          : target[effect].bind(target as never),
                    }),
                  ),
              },
      },
      wanted: [{ ...wanted, lifetime_us: null, update: null }],
    });
    expect(doctored.problems).toEqual([
      expect.stringMatching(/started evil as .*, which no manifest of it says/),
      expect.stringMatching(/provider-0 runs .* evil; expected .* good/),
    ]);
  });
});

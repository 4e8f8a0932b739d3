import { describe, expect, it } from 'vitest';
import { endpointText, isLoopback, parseEndpoint, parsePeer, peerText } from '../../../src/lab/live/home/endpoints.ts';
import { addressOfSeed } from './support.ts';

const address = addressOfSeed(1);

describe('a place', () => {
  it.each(['127.0.0.1:26600', '[::1]:1', '[fe80::1:2]:65535', 'node-1.example.com:0', 'a:80'])('%s', text => {
    expect(endpointText(parseEndpoint(text))).toBe(text);
  });

  it.each([
    '',
    'host',
    ':80',
    'host:',
    'host:65536',
    'host:-1',
    'host:8o',
    '::1:80',
    '[host]:80',
    '-a:80',
    'a b:80',
    80,
    null,
  ])('not %j', value => {
    expect(() => parseEndpoint(value)).toThrow('expected host:port');
  });

  it('of somebody names the account whose key must answer there', () => {
    const text = `${address}@[::1]:7`;
    expect(parsePeer(text)).toEqual({ address, host: '::1', port: 7 });
    expect(peerText(parsePeer(text))).toBe(text);
    const wrong = address.replace(/.$/, last => (last === 'q' ? 'p' : 'q'));
    for (const bad of [address, `@h:1`, `${address}@h`, `${address}@h:0`, `${wrong}@h:1`, `x@h:1`, 5])
      expect(() => parsePeer(bad)).toThrow('expected an account and its place');
  });

  it('is of this machine alone, or not', () => {
    expect(['127.0.0.1', '127.9.9.9', 'localhost', '::1'].map(isLoopback)).toEqual([true, true, true, true]);
    expect(['0.0.0.0', '::', '10.0.0.1', '127.0.0.1.example.com', 'host'].some(isLoopback)).toBe(false);
  });
});

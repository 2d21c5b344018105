import { describe, expect, it } from 'vitest';
import { addChip, chipsOf, fieldOf, logHref, pairsOf, parseFilter, relativeMs } from '../src/lib/filter';

const chip = (field: string, value: string, exclude = false) => ({ field, value, exclude });

describe('what people type', () => {
  it.each([
    ['host:casino.example', [chip('host', 'casino.example')]],
    ['verdict=blocked -user:bob', [chip('verdict', 'blocked'), chip('user', 'bob', true)]],
    ['!verdict:allowed', [chip('verdict', 'allowed', true)]],
    ['verdict:!allowed', [chip('verdict', 'allowed', true)]],
    ['-verdict:!allowed', [chip('verdict', 'allowed')]],
    ['status:500..599 bytes:1000000..', [chip('status', '500..599'), chip('bytes_out', '1000000..')]],
    ['rule_name:"No gambling at work"', [chip('rule_name', 'No gambling at work')]],
    ['category:gambling ip:10.0.0.1', [chip('categories', 'gambling'), chip('client', '10.0.0.1')]],
    ['casino', [chip('host', '*casino*')]],
    ['*.example', [chip('host', '*.example')]],
    ['10.1.2.3', [chip('client', '10.1.2.3')]],
    ['2001:db8::1', [chip('client', '2001:db8::1')]],
    ['http://a.example/x', [chip('url', '*http://a.example/x*')]],
    ['unknown:thing', [chip('host', '*unknown:thing*')]],
    ['host:', [chip('host', '*host:*')]],
    ['"unfinished', [chip('host', '*unfinished*')]],
    ['   ', []],
  ])('%s', (text, want) => expect(parseFilter(text)).toEqual(want));
  it('knows fields by their short names', () => {
    expect(fieldOf('HOST')).toBe('host');
    expect(fieldOf('mime')).toBe('content_type');
    expect(fieldOf('constructor')).toBeNull();
  });
});

describe('chips and addresses', () => {
  it('come back the same', () => {
    const chips = [chip('host', '*.example', true), chip('verdict', 'blocked'), chip('verdict', 'warned')];
    expect(chipsOf(new URLSearchParams(pairsOf(chips)))).toEqual(chips);
  });
  it('leave what is no field alone', () => expect(chipsOf(new URLSearchParams('from=now-1h&live=1&sel=3&host='))).toEqual([]));
  it('a chip is not there twice; the same value turned round replaces it', () => {
    const one = [chip('host', 'a')];
    expect(addChip(one, chip('host', 'a', true))).toEqual([chip('host', 'a', true)]);
    expect(addChip(one, chip('host', 'b'))).toHaveLength(2);
  });
  it('numbers of the overview link to the log with their time', () => {
    expect(logHref({ verdict: ['blocked', 'refused'] }, { from: 'now-7d', to: 'now' })).toBe('/log?from=now-7d&verdict=blocked&verdict=refused');
    expect(logHref({})).toBe('/log');
  });
  it.each([['now-24h', 864e5], ['now-15m', 9e5], ['2026-01-01T00:00:00Z', null], ['now', null]])('%s', (text, want) => expect(relativeMs(text)).toBe(want));
});

// Words for what the proxy counts and tells of itself; a member that is not here is shown by its own name.
import { t } from '../../lib/i18n.svelte';

const words = (): Record<string, string> => ({
  'accounts crowded': t('accounts crowded'), 'accounts forgotten': t('accounts forgotten'), 'accounts held': t('accounts held'),
  'accounts slots': t('accounts slots'), allowed: t('allowed'), asked: t('asked'), blocked: t('blocked'), buffers: t('buffers'), busy: t('busy'),
  bytes: t('bytes'), 'bytes in': t('bytes in'), 'bytes out': t('bytes out'), cached: t('cached'), 'cached bad': t('cached bad'),
  categories: t('categories'), clients: t('clients'), 'clients with requests': t('clients with requests'), connections: t('connections'),
  counters: t('counters'), damaged: t('damaged'), delayed: t('delayed'), denied: t('denied'), 'denied auth': t('denied auth'),
  'dial failures': t('dial failures'), dials: t('dials'), 'directory enabled': t('directory enabled'), 'directory servers': t('directory servers'),
  'directory state': t('directory state'), error: t('error'), failures: t('failures'), 'fill percent': t('fill percent'),
  'from cache': t('from cache'), groups: t('groups'), 'groups down': t('groups down'), identity: t('identity'), 'idle upstreams': t('idle upstreams'),
  'is open': t('is open'), 'is shedding': t('is shedding'), 'is short': t('is short'), lag: t('lag'), 'last good': t('last good'),
  'last id': t('last id'), 'limited client connections': t('limited client connections'), 'limited client rate': t('limited client rate'),
  'limited client requests': t('limited client requests'), 'limited client share': t('limited client share'),
  'limited client tunnels': t('limited client tunnels'), 'limited connection rate': t('limited connection rate'),
  'limited connections': t('limited connections'), 'limited memory': t('limited memory'), 'limited queue delay': t('limited queue delay'),
  'limited slow downloads': t('limited slow downloads'), 'limited slow uploads': t('limited slow uploads'),
  'limited total requests': t('limited total requests'), 'limited user connections': t('limited user connections'),
  'limited user rate': t('limited user rate'), 'limited user requests': t('limited user requests'), 'limited user tunnels': t('limited user tunnels'),
  limits: t('limits'), listeners: t('listeners'), 'loaded at': t('loaded at'), 'local users': t('local users'), log: t('log'), members: t('members'),
  'members down': t('members down'), 'names cached': t('names cached'), 'old policies': t('old policies'), open: t('open'),
  'patterns given up': t('patterns given up'), 'policy version': t('policy version'), problems: t('problems'), queued: t('queued'),
  'records lost': t('records lost'), refreshed: t('refreshed'), refused: t('refused'), 'refused busy': t('refused busy'), requests: t('requests'),
  shed: t('shed'), short: t('short'), 'short descriptors': t('short descriptors'), 'short memory': t('short memory'), stale: t('stale'),
  state: t('state'), threads: t('threads'), 'trial version': t('trial version'), tunnels: t('tunnels'), unavailable: t('unavailable'),
  'upstream reused': t('upstream reused'), upstreams: t('upstreams'), uptime: t('uptime'), version: t('version'), warned: t('warned'),
  workers: t('workers'), written: t('written'),
});
export function wordFor(key: string): string {
  const name = key.replace(/_ms$|_s$|_bytes$/, '').replace(/[_-]/g, ' ').replace(/^n /, '');
  return words()[name] ?? name;
}
/** Of states, which are words and not names. */
export const stateWord = (state: string) => ({ ok: t('ok'), off: t('off'), current: t('current'), rebuilding: t('rebuilding'), missing: t('missing'), damaged: t('damaged') })[state] ?? state;

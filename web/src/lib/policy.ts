// What the pages know about the policy document: the condition keys, their groups and the words for them.
import { bytes } from './format';
import { t } from './i18n.svelte';
import type { Action, ConditionKey, Conditions } from './types';

export type KeyGroup = 'who' | 'what' | 'when';
export interface KeyInfo { key: ConditionKey; group: KeyGroup; label: () => string; help: () => string; example: string; icon: string; numeric?: boolean }

export const KEYS: KeyInfo[] = [
  { key: 'users', group: 'who', icon: 'user', label: () => t('User'), help: () => t('Login name. Asks for a login when nothing else decides before.'), example: 'alice' },
  { key: 'groups', group: 'who', icon: 'users', label: () => t('Group'), help: () => t('Group of the directory or of a local user.'), example: 'staff' },
  { key: 'networks', group: 'who', icon: 'network', label: () => t('Client network'), help: () => t('Address or network the request comes from.'), example: '10.1.0.0/16' },
  { key: 'listeners', group: 'who', icon: 'plug', label: () => t('Listener'), help: () => t('Address of the proxy that was used.'), example: '127.0.0.1:3128' },
  { key: 'hosts', group: 'what', icon: 'globe', label: () => t('Host'), help: () => t('Matches the name and everything below it.'), example: 'example.com' },
  { key: 'categories', group: 'what', icon: 'tag', label: () => t('Category'), help: () => t('Category of the host or address.'), example: 'gambling' },
  { key: 'lists', group: 'what', icon: 'list', label: () => t('List'), help: () => t('A list of this policy.'), example: 'blocked-sites' },
  { key: 'url_patterns', group: 'what', icon: 'code', label: () => t('URL pattern'), help: () => t('PCRE2, caseless, against the whole normalised URL.'), example: '^https?://[^/]+/casino/' },
  { key: 'schemes', group: 'what', icon: 'lock', label: () => t('Scheme'), help: () => t('http, https, or tunnel for CONNECT.'), example: 'tunnel' },
  { key: 'ports', group: 'what', icon: 'plug', label: () => t('Port'), help: () => t('A port or a range.'), example: '8000-8999' },
  { key: 'methods', group: 'what', icon: 'arrow', label: () => t('Method'), help: () => t('Request method.'), example: 'POST' },
  { key: 'content_types', group: 'what', icon: 'file', label: () => t('Content type'), help: () => t('Media type of the answer.'), example: 'video/*' },
  { key: 'extensions', group: 'what', icon: 'file', label: () => t('File extension'), help: () => t('Ending of the path.'), example: 'exe' },
  { key: 'user_agents', group: 'what', icon: 'code', label: () => t('User agent'), help: () => t('PCRE2 against the User-Agent field.'), example: 'curl/' },
  { key: 'min_bytes', group: 'what', icon: 'size', label: () => t('Size at least'), help: () => t('Size of the answer, in bytes.'), example: '100000000', numeric: true },
  { key: 'max_bytes', group: 'what', icon: 'size', label: () => t('Size at most'), help: () => t('Size of the answer, in bytes.'), example: '1000', numeric: true },
  { key: 'schedules', group: 'when', icon: 'clock', label: () => t('Schedule'), help: () => t('A schedule of this policy.'), example: 'work-hours' },
];
export const keyInfo = (key: string): KeyInfo => KEYS.find((k) => k.key === key) ?? { key: key as ConditionKey, group: 'what', icon: 'code', label: () => key, help: () => '', example: '' };

export const ACTIONS: Action[] = ['allow', 'block', 'warn', 'redirect', 'override'];
export function actionLabel(a: Action): string {
  switch (a) {
    case 'allow': return t('Allow');
    case 'block': return t('Block');
    case 'warn': return t('Warn');
    case 'redirect': return t('Redirect');
    case 'override': return t('Override');
  }
}
export function actionHelp(a: Action): string {
  switch (a) {
    case 'allow': return t('The request goes on.');
    case 'block': return t('A block page with the reason.');
    case 'warn': return t('A warning first; the person may go on.');
    case 'redirect': return t('Sent to another address.');
    case 'override': return t('Blocked unless somebody with the right opens it.');
  }
}
export function verdictLabel(v: string): string {
  switch (v) {
    case 'allowed': return t('Allowed');
    case 'blocked': return t('Blocked');
    case 'warned': return t('Warned');
    case 'denied_auth': return t('Login needed');
    case 'refused': return t('Refused');
    case 'error': return t('Error');
    default: return v;
  }
}

export function effectLabel(e: string): string {
  switch (e) {
    case 'warn-continued': return t('continued after a warning');
    case 'override-password': return t('opened with the password');
    case 'override-justified': return t('opened with a reason');
    case 'quota-time': return t('daily time used up');
    case 'quota-bytes': return t('daily volume used up');
    case 'canary': return t('judged by a version that runs for a part');
    default: return e;
  }
}

export interface Part { key: string; label: string; values: string[]; unless: boolean }
/** The conditions of one group, in the order of KEYS. */
export function parts(when: Conditions | undefined, unless: Conditions | undefined, group: KeyGroup): Part[] {
  const out: Part[] = [];
  for (const [side, isUnless] of [[when, false], [unless, true]] as const) {
    for (const info of KEYS) {
      const v = side?.[info.key];
      if (info.group !== group || v === undefined || v === null) continue;
      const values = Array.isArray(v) ? v.map(String) : [info.key === 'min_bytes' || info.key === 'max_bytes' ? bytes(Number(v)) : String(v)];
      if (values.length) out.push({ key: info.key, label: info.label(), values, unless: isUnless });
    }
  }
  return out;
}

export const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
/** Short name of a day in the chosen language. */
export function dayName(day: string, language: string): string {
  const i = DAYS.indexOf(day);
  return i < 0 ? day : new Intl.DateTimeFormat(language, { weekday: 'short', timeZone: 'UTC' }).format(Date.UTC(2024, 0, 1 + i));
}

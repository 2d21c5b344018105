// Where an entry of a category came from, in words.
import { t } from './i18n.svelte';

export function sourceLabel(source: string, title?: string | null): string {
  if (title && source.startsWith('sub:')) return title;
  if (source === 'local') return t('entered by hand');
  if (source === 'upload') return title ? `${t('uploaded list')} ${title}` : t('uploaded list');
  if (source.startsWith('sub:')) return t('subscription {id}', { id: source.slice(4) });
  return source;
}
/** "all-staff<eng<alice-team" as the way people read it. */
export const pathWords = (path: string) => path.split('<').reverse().join(' → ');

// Sentences of the server in another language. A catalogue's keys are the English sentences as the C sources write them,
// with {1}, {2} … where values stand; the first that fits counts. In a translation {2*} is a value that is itself a
// sentence or a row of them. What is in no catalogue stays as it came.
export type Catalogue = Record<string, string>;
type Template = { fits: RegExp; to: string };

const CACHED = 2000;
const escape = (s: string) => s.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

export class Said {
  private whole: Catalogue = {};
  private templates: Template[] = [];
  private known = new Map<string, string>();

  constructor(catalogue: Catalogue) {
    for (const [key, to] of Object.entries(catalogue)) {
      if (/\{\d\}/.test(key)) this.templates.push({ fits: new RegExp(`^${key.split(/\{\d\}/).map(escape).join('([^]*?)')}$`), to });
      else this.whole[key] = to;
    }
  }
  in(text: string): string {
    if (Object.hasOwn(this.whole, text)) return this.whole[text];
    let out = this.known.get(text);
    if (out === undefined) {
      out = this.find(text);
      if (this.known.size >= CACHED) this.known.clear();
      this.known.set(text, out);
    }
    return out;
  }
  private find(text: string): string {
    for (const x of this.templates) {
      const m = x.fits.exec(text);
      if (m) return x.to.replace(/\{(\d)(\*?)\}/g, (_, n, isSaid) => (isSaid ? this.row(m[n]) : m[n]));
    }
    return text;
  }
  /** "A, and B; C": each for itself when each is known, else the whole as one. */
  private row(text: string): string {
    if (Object.hasOwn(this.whole, text)) return this.whole[text];
    let all = true;
    const part = (s: string) => {
      const out = this.in(s);
      all &&= out !== s;
      return out;
    };
    const row = text.split('; ').map((s) => s.split(', and ').map(part).join(' und ')).join('; ');
    return all ? row : this.in(text);
  }
}

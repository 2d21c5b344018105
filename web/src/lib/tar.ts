// Many chosen files as one tar (ustar): so that a whole folder can be sent. Pure.
const BLOCK = 512;

function header(name: string, size: number): Uint8Array {
  const h = new Uint8Array(BLOCK);
  const put = (text: string, at: number, length: number) => h.set(new TextEncoder().encode(text).slice(0, length), at);
  const bytes = new TextEncoder().encode(name).length;
  let prefix = '';
  if (bytes > 100) {
    // The longest folder part that fits in front; a name that is too long in itself loses its beginning.
    const cut = name.indexOf('/', Math.max(0, name.length - 101));
    prefix = cut > 0 ? name.slice(0, cut).slice(-155) : '';
    name = cut > 0 ? name.slice(cut + 1) : name.slice(-100);
  }
  put(name, 0, 100);
  put('0000644\0', 100, 8);
  put('0000000\0', 108, 8);
  put('0000000\0', 116, 8);
  put(size.toString(8).padStart(11, '0') + '\0', 124, 12);
  put('00000000000\0', 136, 12);
  put('        ', 148, 8);
  put('0', 156, 1);
  put('ustar\0', 257, 6);
  put('00', 263, 2);
  put(prefix, 345, 155);
  const sum = h.reduce((n, b) => n + b, 0);
  put(sum.toString(8).padStart(6, '0') + '\0 ', 148, 8);
  return h;
}

/** One body of all files; the names are their places below the chosen folder. */
export function tar(files: { name: string; data: Blob }[]): Blob {
  const parts: BlobPart[] = [];
  for (const f of files) {
    parts.push(header(f.name, f.data.size) as BlobPart, f.data);
    const rest = f.data.size % BLOCK;
    if (rest) parts.push(new Uint8Array(BLOCK - rest));
  }
  parts.push(new Uint8Array(2 * BLOCK));
  return new Blob(parts);
}

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { tar } from '../src/lib/tar';

describe('tar', () => {
  it('is read by tar', async () => {
    const long = `${'folder/'.repeat(16)}domains`;
    const files = [{ name: 'etc/squid.conf', data: new Blob(['acl all src 0.0.0.0/0\n']) }, { name: long, data: new Blob(['x'.repeat(1024)]) }, { name: 'empty', data: new Blob([]) }];
    const dir = mkdtempSync(join(tmpdir(), 'tar-'));
    try {
      writeFileSync(join(dir, 'a.tar'), new Uint8Array(await tar(files).arrayBuffer()));
      const list = execFileSync('tar', ['-tf', 'a.tar'], { cwd: dir }).toString().trim().split('\n');
      expect(list).toEqual(['etc/squid.conf', long, 'empty']);
      execFileSync('tar', ['-xf', 'a.tar'], { cwd: dir });
      expect(readFileSync(join(dir, 'etc/squid.conf'), 'utf8')).toBe('acl all src 0.0.0.0/0\n');
      expect(readFileSync(join(dir, long)).length).toBe(1024);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});

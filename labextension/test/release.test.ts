import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { RELEASE } from '../src/release';

function read(path: string): string {
  return readFileSync(fileURLToPath(new URL(path, import.meta.url)), 'utf8');
}

it('is one release in the source, the npm and the Python package', () => {
  const { version } = JSON.parse(read('../package.json')) as {
    version: string;
  };
  expect(RELEASE).toBe(version);
  expect(read('../../rtc_widgets/_version.py')).toContain(`"${version}"`);
});

it('locks no registry host', () => {
  expect(read('../yarn.lock')).not.toMatch(/https?:\/\//);
});

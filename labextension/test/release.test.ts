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

it('asks the host for the versions that package.json promises', () => {
  const { dependencies, jupyterlab } = JSON.parse(read('../package.json')) as {
    dependencies: Record<string, string>;
    jupyterlab: {
      sharedPackages: Record<string, { requiredVersion?: string }>;
    };
  };
  // Without this the builder asks for its own JupyterLab's version, and older ones warn in the console.
  const own = Object.keys(dependencies).filter(name =>
    /^@jupyter(lab)?\//.test(name)
  );
  for (const name of own) {
    expect(jupyterlab.sharedPackages[name]?.requiredVersion).toBe(
      dependencies[name]
    );
  }
});

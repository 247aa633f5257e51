#!/usr/bin/env node
/**
 * The entry. It imports nothing before it has looked at Node's version: older ones could not even parse the rest, and
 * would say so in words that help nobody.
 */
const oldest = { major: 24, minor: 16 };
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

if (major < oldest.major || (major === oldest.major && minor < oldest.minor)) {
  process.stderr.write(
    `concordat needs Node ${oldest.major}.${oldest.minor} or newer, this is Node ${process.versions.node}.\n`,
  );
  process.exitCode = 2;
} else {
  const { main } = await import('./process.ts');
  await main();
}

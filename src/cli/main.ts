#!/usr/bin/env node
/**
 * The entry. It imports nothing before it has looked at Node's version: older ones could not even parse the rest, and
 * would say so in words that help nobody.
 */
const oldestMajor = 24;
const major = Number(process.versions.node.split('.')[0]);

if (major < oldestMajor) {
  process.stderr.write(`concordat needs Node ${oldestMajor} or newer, this is Node ${process.versions.node}.\n`);
  process.exitCode = 2;
} else {
  const { main } = await import('./process.ts');
  await main();
}

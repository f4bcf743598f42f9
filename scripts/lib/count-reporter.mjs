/** A reporter for Node's runner that writes one JSON object at the end: how many tests passed, failed, were skipped. */

/** @param {AsyncIterable<{type: string, data: any}>} source */
export default async function* countReporter(source) {
  const summary = { passed: 0, failed: 0, skipped: /** @type {string[]} */ ([]) };
  for await (const { type, data } of source) {
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    if (type === 'test:pass' && data.skip !== undefined) {
      const reason = typeof data.skip === 'string' && data.skip !== '' ? `: ${data.skip}` : '';
      summary.skipped.push(data.name + reason);
    } else if (type === 'test:pass') {
      if (data.details?.type !== 'suite') summary.passed++;
    } else if (data.details?.error?.failureType !== 'subtestsFailed') summary.failed++;
  }
  yield JSON.stringify(summary);
}

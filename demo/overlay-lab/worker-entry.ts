/** Lets the laboratory's time pass in slices, so that commands are taken at once and the page never waits. */

import { Laboratory } from './laboratory.js';
import type { Command, Report } from './protocol.js';

/** Longest stretch of work between two looks at the mailbox, ms of real time. */
const SLICE_MS = 12;
/** Room time per step: short for slow motion, long while skipping, ms. */
const STEP_MS = 4;
const SKIP_STEP_MS = 40;
/** A pause of the machine is not made up for beyond this, ms of real time. */
const MOST_OWED_MS = 100;
/** Without a look from the page for so long the room stands still: the page is hidden or gone. */
const UNWATCHED_MS = 2000;

let laboratory: Laboratory | undefined;
let rate = 0;
let skipLeftMs = 0;
let wanted = false;
let lookedMs = 0;
let lastMs = 0;
let running = false;

const report = (message: Report, transfer: Transferable[] = []): void =>
  (self as unknown as Worker).postMessage(message, transfer);

function take(command: Command): void {
  switch (command.type) {
    case 'open':
      laboratory = new Laboratory(command.seed, command.size);
      skipLeftMs = 0;
      report({ type: 'opened', layout: laboratory.layout });
      break;
    case 'size':
      laboratory?.setSize(command.size);
      break;
    case 'rate':
      rate = command.rate;
      break;
    case 'skip':
      skipLeftMs = command.ms;
      break;
    case 'speaker':
      laboratory?.speakFrom(command.index);
      break;
    case 'crash':
      laboratory?.crash(command.index);
      break;
    case 'crash-relay':
      laboratory?.crashBusiestRelay();
      break;
    case 'crash-share':
      laboratory?.crashShare(command.share);
      break;
    case 'block':
      laboratory?.block(command.index, command.blocked);
      break;
    case 'block-share':
      laboratory?.blockShare(command.share);
      break;
    case 'unblock-all':
      laboratory?.unblockAll();
      break;
    case 'partition':
      laboratory?.setPartition(command.parted);
      break;
    case 'add-phone':
      laboratory?.addPhone();
      break;
    case 'look':
      wanted = true;
      lookedMs = performance.now();
      if (!running) {
        running = true;
        lastMs = lookedMs;
        pass();
      }
      break;
  }
}

function pass(): void {
  const startedMs = performance.now();
  const busy = (): boolean => performance.now() - startedMs < SLICE_MS;
  if (laboratory) {
    if (skipLeftMs > 0) {
      while (skipLeftMs > 0 && busy()) {
        const stepMs = Math.min(SKIP_STEP_MS, skipLeftMs);
        laboratory.advance(stepMs, false);
        skipLeftMs -= stepMs;
      }
    } else {
      let owedMs = Math.min(startedMs - lastMs, MOST_OWED_MS) * rate;
      while (owedMs > 0 && busy()) {
        const stepMs = Math.min(STEP_MS, owedMs);
        laboratory.advance(stepMs);
        owedMs -= stepMs;
      }
    }
    if (wanted) {
      wanted = false;
      const picture = laboratory.picture(skipLeftMs);
      report({ type: 'picture', picture }, [picture.links.buffer, picture.flights.buffer]);
    }
  }
  lastMs = startedMs;
  running = startedMs - lookedMs < UNWATCHED_MS;
  if (running) setTimeout(pass);
}

self.onmessage = (event: MessageEvent<Command>): void => take(event.data);

// A voice room with a user interface of its own: everything it needs of the package is `VoiceRoom`.
import { VoiceRoom } from '/dist/p2p-voice-room.js';
import { offerTestVoice } from './demo.js';

const $ = (id) => document.getElementById(id);
const { trackers, nostrRelays } = $('own').dataset;
// Left out when the page names none, so that the room meets through public networks.
const addresses = (name, list) => (list ? { [name]: list.split(' ') } : {});

// 1. A room. Nothing happens until join().
const room = new VoiceRoom({
  room: 'scripted',
  displayName: `Guest ${Math.floor(Math.random() * 90) + 10}`,
  ...addresses('trackers', trackers),
  ...addresses('nostrRelays', nostrRelays),
});
$('name').value = room.options.displayName;
offerTestVoice($('test-voice'), room);

// 2. Its events: one redraw for all of them, and a line in the log for each.
const TOLD = {
  'room-state-change': ({ state, previousState }) => `${previousState} → ${state}`,
  'peer-join': ({ peer }) => `${peer.name} came`,
  'peer-leave': ({ peer }) => `${peer.name} went`,
  'speaking-change': ({ peerId, speaking }) => `${nameOf(peerId)}: ${speaking ? 'speaking' : 'quiet'}`,
  'block-change': ({ peer, blocked }) => `${peer.name} ${blocked ? 'blocked' : 'heard again'}`,
  'room-error': ({ error }) => `${error.reason}: ${error.message}`,
};
const MAX_LOG_LINES = 200;
for (const [type, tell] of Object.entries(TOLD))
  room.addEventListener(type, (event) => {
    const line = document.createElement('div');
    line.textContent = `${type.padEnd(18)} ${tell(event)}`;
    $('log').append(line);
    while ($('log').childElementCount > MAX_LOG_LINES) $('log').firstChild.remove();
    $('log').scrollTop = $('log').scrollHeight;
    draw();
  });
room.addEventListener('peer-change', draw);
room.addEventListener('overlay-change', draw);

const nameOf = (id) =>
  id === room.selfId ? 'You' : (room.peers.find((peer) => peer.id === id)?.name ?? 'Somebody');

// 3. Joining and leaving, inside a click: only there the browser lets sound start.
$('form').addEventListener('submit', async (event) => {
  event.preventDefault();
  try {
    if (isIn()) await room.leave();
    else await room.join();
  } catch (error) {
    // Already shown: every failure is a room-error event too.
    console.warn(error.message);
  }
  draw();
});
$('name').addEventListener('change', () => room.configure({ displayName: $('name').value }));
$('mute').addEventListener('click', () => {
  room.configure({ muted: !room.options.muted });
  draw();
});
$('sound').addEventListener('click', async () => {
  await room.resumeSound();
  draw();
});

const isIn = () => room.state !== 'idle' && room.state !== 'failed';

// 4. Drawing what `room.peers` says. Names are text, never markup.
function draw() {
  $('join').textContent = { idle: 'Join', failed: 'Try again', joining: 'Cancel' }[room.state] ?? 'Leave';
  $('mute').hidden = $('sound').hidden = !isIn();
  $('mute').setAttribute('aria-pressed', String(room.options.muted === true));
  $('sound').hidden ||= !room.soundBlocked;
  const count = room.peers.length;
  const status =
    {
      idle: 'Not in the room yet.',
      joining: 'Joining…',
      reconnecting: 'Looking for the others…',
      failed: 'Not connected.',
    }[room.state] ??
    (count === 0 ? 'You are alone here. Open this page in a second tab.' : `${count} other here.`);
  const text = [status, room.lastError?.message].filter(Boolean).join(' ');
  // A status that says the same again would be read out again.
  if ($('status').textContent !== text) $('status').textContent = text;
  const rows = new Map([...$('people').children].map((row) => [row.dataset.id, row]));
  for (const peer of room.peers) {
    const row = rows.get(peer.id) ?? addRow(peer.id);
    rows.delete(peer.id);
    row.className = [peer.speaking && 'speaking', peer.blocked && 'blocked'].filter(Boolean).join(' ');
    const [name, gain, block] = row.children;
    name.textContent = `${peer.name || 'Somebody'}${peer.own ? ' (you, in another tab)' : peer.muted ? ' (muted)' : ''}`;
    gain.value = String(peer.gain);
    gain.ariaLabel = `Volume of ${peer.name}`;
    block.textContent = peer.blocked ? 'Unblock' : 'Block';
    block.ariaLabel = `${block.textContent} ${peer.name}`;
    block.disabled = peer.own;
  }
  for (const row of rows.values()) row.remove();
}

function addRow(peerId) {
  const row = document.createElement('li');
  row.dataset.id = peerId;
  const name = Object.assign(document.createElement('span'), { className: 'name' });
  const gain = Object.assign(document.createElement('input'), {
    type: 'range',
    min: '0',
    max: '4',
    step: '0.05',
  });
  const block = Object.assign(document.createElement('button'), { type: 'button' });
  gain.addEventListener('input', () => room.setGain(peerId, gain.valueAsNumber));
  block.addEventListener('click', () => {
    const { blocked } = room.peers.find(({ id }) => id === peerId);
    if (blocked) room.unblock(peerId);
    else room.block(peerId);
  });
  row.append(name, gain, block);
  $('people').append(row);
  return row;
}

draw();

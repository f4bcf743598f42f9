import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isTyping, isWantedKey, type KeyPress } from '../../src/elements/push-to-talk.js';

const press = (code: string, key: string, modifiers: Partial<KeyPress> = {}): KeyPress => ({
  code,
  key,
  ctrlKey: false,
  altKey: false,
  metaKey: false,
  ...modifiers,
});

describe('which key opens the microphone', () => {
  const rows: readonly [wanted: string, press: KeyPress, counts: boolean][] = [
    ['Space', press('Space', ' '), true],
    ['space', press('Space', ' '), true],
    ['KeyV', press('KeyV', 'v'), true],
    ['v', press('KeyV', 'v'), true],
    ['v', press('KeyV', 'V'), true],
    ['KeyV', press('KeyB', 'b'), false],
    ['v', press('KeyV', 'v', { ctrlKey: true }), false],
    ['v', press('KeyV', 'v', { metaKey: true }), false],
    ['Control', press('ControlLeft', 'Control', { ctrlKey: true }), true],
    ['ControlLeft', press('ControlLeft', 'Control', { ctrlKey: true }), true],
    ['AltGraph', press('AltRight', 'AltGraph', { altKey: true }), true],
    ['F8', press('F8', 'F8'), true],
  ];
  for (const [wanted, event, counts] of rows)
    test(`${wanted}, pressed ${event.ctrlKey ? 'Ctrl+' : ''}${event.metaKey ? 'Meta+' : ''}${event.code}: ${counts ? 'yes' : 'no'}`, () => {
      assert.equal(isWantedKey(wanted, event), counts);
    });
});

describe('what counts as typing', () => {
  const rows: readonly [what: string, target: object, typing: boolean][] = [
    ['a text field', { localName: 'input', type: 'text' }, true],
    ['a field of an unknown kind', { localName: 'input' }, true],
    ['a date field', { localName: 'input', type: 'date' }, true],
    ['a slider', { localName: 'input', type: 'range' }, false],
    ['a checkbox', { localName: 'input', type: 'checkbox' }, false],
    ['a text area', { localName: 'textarea' }, true],
    ['a list to choose from by letters', { localName: 'select' }, true],
    ['an editable paragraph', { localName: 'p', isContentEditable: true }, true],
    ['a custom text box', { localName: 'x-editor', getAttribute: () => 'textbox' }, true],
    ['a button', { localName: 'button', getAttribute: () => null }, false],
  ];
  for (const [what, target, typing] of rows)
    test(`${what}: ${typing ? 'yes' : 'no'}`, () => {
      assert.equal(isTyping([target as EventTarget, {} as EventTarget]), typing);
    });

  test('a field inside shadow roots, further down the path', () => {
    const path = [{ localName: 'span' }, { localName: 'textarea' }, {}, { localName: 'x-form' }, {}];
    assert.equal(isTyping(path as unknown as EventTarget[]), true);
  });
});

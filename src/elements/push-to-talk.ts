/** Holding a key to talk: which key events count (pure), and the listener that tells when the key is held. */

/** The part of a keyboard event the decision needs. */
export interface KeyPress {
  readonly code: string;
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly altKey: boolean;
  readonly metaKey: boolean;
}

const MODIFIERS = /^(control|alt|meta|shift|altgraph|capslock)/i;

/** Whether this event is about the key called `wanted`, by position (`KeyV`) or by what it types (`v`). */
export function isWantedKey(wanted: string, press: KeyPress): boolean {
  const name = wanted.toLowerCase();
  if (press.code.toLowerCase() !== name && press.key.toLowerCase() !== name) return false;
  // Ctrl+V pastes; it does not talk. A modifier that is itself the key always comes with its own flag set.
  return MODIFIERS.test(name) || !(press.ctrlKey || press.altKey || press.metaKey);
}

const NO_TYPING = /^(button|checkbox|color|file|hidden|image|radio|range|reset|submit)$/;

interface PathEntry {
  readonly localName?: string;
  readonly type?: string;
  readonly isContentEditable?: boolean;
  getAttribute?(name: string): string | null;
}

/** Whether an event with this composed path goes to something that is typed into. */
export function isTyping(path: readonly EventTarget[]): boolean {
  return path.some((target) => {
    const entry = target as PathEntry;
    if (entry.localName === 'input') return !NO_TYPING.test(entry.type ?? 'text');
    if (entry.localName === 'textarea' || entry.localName === 'select') return true;
    if (entry.isContentEditable === true) return true;
    return /^(textbox|searchbox|combobox|spinbutton)$/.test(entry.getAttribute?.('role') ?? '');
  });
}

const OPERATED_BY_SPACE_AND_ENTER = 'a[href], button, summary, input, [role="button"], [role="switch"]';

/**
 * Somebody who walks the page by keyboard needs Space and Enter for the control they stand on. After a click the
 * focus stays on a control too, but there nobody expects Space to press it again: the visible focus tells the two apart.
 */
function operatesControl(event: KeyboardEvent): boolean {
  const target = event.composedPath()[0];
  return (
    (event.code === 'Space' || event.code === 'Enter') &&
    target instanceof Element &&
    target.matches(OPERATED_BY_SPACE_AND_ENTER) &&
    target.matches(':focus-visible')
  );
}

export class PushToTalk {
  #held = false;
  #key: string | undefined;
  #listening: AbortController | undefined;

  /** @param onChange called with true when the key goes down and false when it comes up, or might have */
  constructor(private readonly onChange: (held: boolean) => void) {}

  get held(): boolean {
    return this.#held;
  }

  /** Listens for `key` from now on; undefined stops. */
  listen(key: string | undefined): void {
    if (key === this.#key) return;
    this.#listening?.abort();
    this.#listening = undefined;
    this.#key = key;
    this.hold(false);
    if (key === undefined) return;
    const { signal } = (this.#listening = new AbortController());
    document.addEventListener('keydown', this.#onKeyDown, { signal });
    document.addEventListener('keyup', this.#onKeyUp, { signal });
    // The key can come up where no event reaches this page.
    window.addEventListener('blur', () => this.hold(false), { signal });
    document.addEventListener('visibilitychange', () => document.hidden && this.hold(false), { signal });
  }

  /** Also for a button that is pressed and held. */
  hold(held: boolean): void {
    if (held === this.#held) return;
    this.#held = held;
    this.onChange(held);
  }

  readonly #onKeyDown = (event: KeyboardEvent): void => {
    if (this.#key === undefined || event.defaultPrevented || !isWantedKey(this.#key, event)) return;
    if (isTyping(event.composedPath()) || operatesControl(event)) return;
    // Space would scroll the page, or press the button that was clicked last.
    event.preventDefault();
    this.hold(true);
  };

  readonly #onKeyUp = (event: KeyboardEvent): void => {
    if (!this.#held || this.#key === undefined) return;
    const name = this.#key.toLowerCase();
    if (event.code.toLowerCase() !== name && event.key.toLowerCase() !== name) return;
    event.preventDefault();
    this.hold(false);
  };
}

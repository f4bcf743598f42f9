/** The decorator behind every attribute of the room: parse, warn once, fall back, re-render. */

import type { PropertyDeclaration, ReactiveElement } from 'lit';
import type { Parser } from './attributes.js';

/** Values by element. Weak: an element that is dropped takes its values along. */
const valuesOf = new WeakMap<object, Map<string, unknown>>();

/** Warnings already given, by element; at most `MAX_WARNINGS` texts each. */
const warnedOf = new WeakMap<object, Set<string>>();

/** A page that sets more distinct bad values than this has been told often enough. */
const MAX_WARNINGS = 64;

/** Enough of a value to recognise it in the console. */
const MAX_SHOWN_CHARACTERS = 80;

function shown(raw: unknown): string {
  const text = typeof raw === 'string' ? raw : String(raw);
  return text.length > MAX_SHOWN_CHARACTERS ? `${text.slice(0, MAX_SHOWN_CHARACTERS)}…` : text;
}

/** Says once per element, attribute and value that the value is bad. */
export function warnOnce(element: Element, attribute: string, raw: unknown, problem: string): void {
  const text = `<${element.localName}> ${attribute}="${shown(raw)}" ${problem}; using the default.`;
  const warned = warnedOf.get(element) ?? new Set();
  warnedOf.set(element, warned);
  if (warned.has(text) || warned.size >= MAX_WARNINGS) return;
  warned.add(text);
  console.warn(text);
}

export interface OptionSettings {
  /** The property is written back to the attribute. */
  readonly reflect?: boolean;
  /** False for a property without an attribute. */
  readonly attribute?: boolean;
}

const kebab = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/**
 * A reactive property with an attribute of the same name (kebab-case) whose value always passed `parse`. Values set
 * from script take the same way as attribute texts, so a bad one can never reach the room.
 */
export function option<Value>(parse: Parser<Value>, settings: OptionSettings = {}) {
  return (prototype: ReactiveElement, name: string): void => {
    const attribute = kebab(name);
    const declaration: PropertyDeclaration<Value, unknown> = {
      attribute: settings.attribute === false ? false : attribute,
      reflect: settings.reflect ?? false,
      noAccessor: true,
      converter: {
        fromAttribute: (raw) => raw as Value,
        // Only booleans are reflected.
        toAttribute: (value) => (value ? '' : null),
      },
    };
    (prototype.constructor as typeof ReactiveElement).createProperty(name, declaration);
    Object.defineProperty(prototype, name, {
      configurable: true,
      enumerable: true,
      get(this: ReactiveElement): Value {
        const values = valuesOf.get(this);
        return values?.has(name) ? (values.get(name) as Value) : parse(undefined).value;
      },
      set(this: ReactiveElement, raw: unknown) {
        const old = (this as unknown as Record<string, unknown>)[name];
        const { value, problem } = parse(raw);
        if (problem !== undefined) warnOnce(this, attribute, raw, problem);
        const values = valuesOf.get(this) ?? new Map<string, unknown>();
        valuesOf.set(this, values.set(name, value));
        this.requestUpdate(name, old);
      },
    });
  };
}

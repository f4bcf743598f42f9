/** The file behind `panels.ts`: what opens on demand. */

import type { RoomSnapshot } from './context.js';
import { DeviceList } from './device-list.js';
import type { LitTools } from './panels.js';
import { drawingStyles, settingsStyles } from './panel-styles.js';
import { panelStringsFor, type PanelStrings } from './panel-strings.js';
import { drawRoom } from './room-drawing.js';
import { renderSettings, type Settings, type SettingsState } from './settings-view.js';

/** @param lit what every template is made with */
export function makePanels(lit: LitTools) {
  return {
    DeviceList,
    drawingStyles: drawingStyles(lit),
    settingsStyles: settingsStyles(lit),
    strings: panelStringsFor,
    drawRoom: (snapshot: RoomSnapshot, strings: PanelStrings) => drawRoom(lit, snapshot, strings),
    renderSettings: (
      snapshot: RoomSnapshot,
      state: SettingsState,
      strings: PanelStrings,
      set: (changes: Partial<Settings>) => void,
    ) => renderSettings(lit, snapshot, state, strings, set),
  };
}

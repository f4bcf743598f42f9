/** Microphones and loudspeakers of this machine, followed while somebody looks at the list. */

import type { ReactiveController, ReactiveControllerHost } from 'lit';

export interface DeviceChoice {
  readonly id: string;
  readonly label: string;
}

export interface Devices {
  readonly inputs: readonly DeviceChoice[];
  /** Undefined where the browser leaves the choice to the system. */
  readonly outputs: readonly DeviceChoice[] | undefined;
}

export class DeviceList implements ReactiveController {
  devices: Devices = { inputs: [], outputs: undefined };
  #isWatching = false;

  constructor(private readonly host: ReactiveControllerHost) {
    host.addController(this);
  }

  watch(on: boolean): void {
    // Absent on insecure pages, whatever the types say.
    const media = navigator.mediaDevices as MediaDevices | undefined;
    if (on === this.#isWatching || !media) return;
    this.#isWatching = on;
    if (!on) media.removeEventListener('devicechange', this.#refresh);
    else {
      media.addEventListener('devicechange', this.#refresh);
      this.#refresh();
    }
  }

  hostDisconnected(): void {
    this.watch(false);
  }

  readonly #refresh = (): void => {
    navigator.mediaDevices.enumerateDevices().then(
      (found) => {
        this.devices = {
          inputs: choicesAmong(found, 'audioinput'),
          outputs: canChooseOutput() ? choicesAmong(found, 'audiooutput') : undefined,
        };
        this.host.requestUpdate();
      },
      (error: unknown) => console.debug('p2p-voice-room: devices', error),
    );
  };
}

function canChooseOutput(): boolean {
  return 'setSinkId' in HTMLMediaElement.prototype || 'setSinkId' in AudioContext.prototype;
}

/**
 * Without the entries that stand for the system's choice (Chromium lists it as `default` and `communications`), and
 * without those a page may not know yet, which have no id.
 */
export function choicesAmong(
  devices: readonly Pick<MediaDeviceInfo, 'kind' | 'deviceId' | 'label'>[],
  kind: MediaDeviceKind,
): DeviceChoice[] {
  return devices
    .filter((device) => device.kind === kind && !['', 'default', 'communications'].includes(device.deviceId))
    .map(({ deviceId, label }, index) => ({ id: deviceId, label: label || `${index + 1}` }));
}

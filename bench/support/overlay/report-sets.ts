/** What the overlay report runs when no measurements are given to it. */

/** Arguments of the benchmark, run after run. The sizes beside the main one are for what grows with the room. */
export const REPORT_SETS = {
  small: [
    ['--nodes', '50', '--seeds', '2', '--scenario', 'steady,crash-one,leave,crash-20,crash-50'],
    ['--nodes', '25', '--seeds', '2', '--scenario', 'steady'],
    ['--nodes', '100', '--seeds', '1', '--scenario', 'steady'],
  ],
  tiny: [
    ['--nodes', '12', '--seeds', '1', '--settle', '5', '--scenario', 'steady,crash-20'],
    ['--nodes', '16', '--seeds', '1', '--settle', '5', '--scenario', 'steady', '--systems', 'ours,k-ary'],
  ],
} as const;

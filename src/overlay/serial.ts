/** Whether 16-bit serial number a is newer than b (RFC 1982): of route epochs and link records. */
export function serialNewer(a: number, b: number): boolean {
  return ((a - b) << 16) >> 16 > 0;
}

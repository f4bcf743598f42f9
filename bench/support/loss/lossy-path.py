"""A path with delay, jitter and loss between two network interfaces (Linux, root).

lossy-path.py plain IF                          turns off what a device would do to packets later, so that they are whole
lossy-path.py join IF IF DELAY JITTER LOSS SEED carries frames between two interfaces: DELAY ms + exponential JITTER ms
                                                on average each way, order kept; LOSS % of IP packets are dropped. Of lines on
                                                standard input a number changes LOSS, "?" asks what the machine added:
                                                frames carried since the last question, how many of them left over 5 ms
                                                later than they were due, and the worst, ms. Ends with standard input.
"""

import fcntl, heapq, random, select, socket, struct, sys, time

SIOCETHTOOL = 0x8946
# linux/ethtool.h: transmit checksums, scatter-gather, TSO, GSO, GRO.
OFFLOADS = (0x17, 0x19, 0x1F, 0x24, 0x2C)
ETH_P_ALL = 3
HELD_UP_S = 0.005
PACKET_OUTGOING = 4


def plain(interface):
    import ctypes
    control = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for command in OFFLOADS:
        value = ctypes.create_string_buffer(struct.pack("II", command, 0))
        request = struct.pack("16sP", interface.encode(), ctypes.addressof(value)) + bytes(8)
        fcntl.ioctl(control, SIOCETHTOOL, request)


def join(names, delay_s, jitter_s, loss, seed):
    rng = random.Random(seed)
    ends = []
    for name in names:
        end = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        end.bind((name, 0))
        end.setblocking(False)
        ends.append(end)
    waiting, count, last_due = [], 0, [0.0, 0.0]
    carried, held_up, worst = 0, 0, 0.0
    print("ready", flush=True)
    while True:
        timeout = max(0, waiting[0][0] - time.monotonic()) if waiting else None
        readable, _, _ = select.select([*ends, sys.stdin], [], [], timeout)
        now = time.monotonic()
        for source in readable:
            if source is sys.stdin:
                line = sys.stdin.readline()
                if not line:
                    return
                if line.strip() == "?":
                    print(f"{carried} {held_up} {worst * 1000}", flush=True)
                    carried, held_up, worst = 0, 0, 0.0
                else:
                    loss = float(line) / 100
                continue
            side = ends.index(source)
            while True:
                try:
                    frame, address = source.recvfrom(65535)
                except BlockingIOError:
                    break
                is_ip = frame[12:14] == b"\x08\x00"
                if address[2] == PACKET_OUTGOING or (is_ip and rng.random() < loss):
                    continue
                due = max(now + delay_s + (rng.expovariate(1 / jitter_s) if jitter_s else 0), last_due[side])
                last_due[side] = due
                count += 1
                heapq.heappush(waiting, (due, count, ends[1 - side], frame))
        while waiting and waiting[0][0] <= time.monotonic():
            due, _, end, frame = heapq.heappop(waiting)
            late = time.monotonic() - due
            carried, held_up, worst = carried + 1, held_up + (late > HELD_UP_S), max(worst, late)
            try:
                end.send(frame)
            except OSError:
                pass


if sys.argv[1] == "plain":
    plain(sys.argv[2])
else:
    _, _, a, b, delay, jitter, loss, seed = sys.argv
    join((a, b), float(delay) / 1000, float(jitter) / 1000, float(loss) / 100, int(seed))

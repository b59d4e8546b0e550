"""Twenty busy live streams, alone and beside a thousand idle ones: how late an event comes, and what it costs the server. Then a
run with half a million points: how much memory its metrics take to answer."""

import resource
import socket

from support import BenchmarkFailed, Row, Server, median, now_ms, percentile, progress

W = '/api/v1/workspaces/default'
BUSY, IDLE = 20, 1000
PATIENCE_S = 60
POINTS = 500_000


def track(connection, name):
    connection.ask('POST', f'{W}/tracked-runs', {'experiment': 'streams', 'runId': name, 'status': 'Running'})


class Stream:
    """A live stream on the events and logs of one run."""

    def __init__(self, server, run):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(PATIENCE_S)
        self.socket.connect(str(server.socket_path))
        self.socket.sendall(f'GET {W}/events?events=run:{run}&log={run}:* HTTP/1.1\r\nHost: localhost\r\n\r\n'.encode())
        self.bytes = b''

    def await_text(self, text):
        while text not in self.bytes:
            more = self.socket.recv(65536)
            if not more:
                raise BenchmarkFailed('a live stream ended')
            self.bytes += more
        self.bytes = self.bytes[self.bytes.index(text) + len(text):]


def event_delays(connection, streams, rounds):
    """Milliseconds from the request that changes a run to the event at its stream."""
    delays = []
    for turn in range(rounds):
        for run, stream in streams:
            began = now_ms()
            connection.ask('PATCH', f'{W}/runs/{run}', {'tags': {'turn': str(turn)}})
            stream.await_text(f'"turn":"{turn}"'.encode())
            delays.append(now_ms() - began)
    return delays


def measure_streams(setting):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4096)), hard))
    rounds = setting.rounds(30)
    with Server(setting.binary, setting.scratch / 'streams') as server:
        connection = server.connect()
        busy = []
        for number in range(BUSY):
            track(connection, f'busy-{number}')
            busy.append((f'busy-{number}', Stream(server, f'busy-{number}')))
        for _, stream in busy:
            stream.await_text(b'run.status')
        event_delays(connection, busy, 2)
        before = server.processor_ms()[0]
        alone = event_delays(connection, busy, rounds)
        alone_cost = server.processor_ms()[0] - before
        idle = []
        for number in range(IDLE):
            track(connection, f'idle-{number}')
            idle.append(Stream(server, f'idle-{number}'))
        for stream in idle:
            stream.await_text(b'run.status')
        progress(f'{IDLE} idle streams are open')
        event_delays(connection, busy, 2)
        before = server.processor_ms()[0]
        crowded = event_delays(connection, busy, rounds)
        cost = server.processor_ms()[0] - before
        memory = server.memory_mb()['VmRSS']
        for stream in idle + [stream for _, stream in busy]:
            stream.socket.close()
    per_event = BUSY * rounds
    return [Row(f'event at its live stream, {BUSY} streams', '', median(alone), 'ms',
                note=f'p99 {percentile(alone, 0.99):.1f} ms; {alone_cost / per_event:.2f} ms of the server\'s processor'),
            Row(f'the same beside {IDLE} idle streams', '≤ 1.5 × alone', median(crowded), 'ms', 1.5 * median(alone),
                ratio=median(crowded) / median(alone),
                note=f'p99 {percentile(crowded, 0.99):.1f} ms; {cost / per_event:.2f} ms of the server\'s processor'),
            Row(f'server with {IDLE + BUSY} live streams, resident', '', memory, 'MB')]


def measure_metrics(setting):
    with Server(setting.binary, setting.scratch / 'metrics') as server:
        connection = server.connect()
        track(connection, 'many')
        at_once = 50_000
        for first in range(0, POINTS, at_once):
            lines = [f'{{"s":{first + i + 1},"t":1,"n":"loss","v":{first + i}.5}}' for i in range(at_once)]
            connection.request('POST', f'{W}/runs/many/metrics?writer=bench', '\n'.join(lines) + '\n',
                               {'Content-Type': 'application/x-ndjson'})
            answer = connection.getresponse()
            said = answer.read()
            if answer.status != 200:
                raise BenchmarkFailed(f'{answer.status} {said[:300]!r}')
        before = server.memory_mb()['RssAnon']
        peak, other = before, []
        beside = server.connect()
        began = now_ms()
        connection.request('GET', f'{W}/runs/many/metrics')
        answer = connection.getresponse()
        size = 0
        while piece := answer.read(1 << 20):
            size += len(piece)
            asked = now_ms()
            beside.ask('GET', '/api/v1')
            other.append(now_ms() - asked)
            peak = max(peak, server.memory_mb()['RssAnon'])
        took = now_ms() - began
    return [Row(f'metrics of a run with {POINTS:,} points, whole', '', took, 'ms', note=f'{size / 1e6:.1f} MB of JSON'),
            Row('memory that the server takes for it', '≤ 20 MB', peak - before, 'MB', 20),
            Row('another request meanwhile, slowest', '≤ 50 ms', max(other), 'ms', 50)]


def measure(setting):
    return measure_streams(setting) + measure_metrics(setting)

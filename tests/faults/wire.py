"""A proxy before a PostgreSQL that knows the frames of its protocol (manual, "Message Formats") and can cut, drop,
delay or do something else at any of them. Both directions, any number of connections."""

import socket
import struct
import threading
import time

TO_SERVER, TO_CLIENT = "to-server", "to-client"
SSL_REQUEST, GSS_REQUEST = 80877103, 80877104
# What a hook returns instead of passing the frame on
CUT = object()  # ends the connection
LEAVE = object()  # ends it for the client alone: the server does not hear of that


class Frame:
    def __init__(self, direction, kind, data):
        self.direction, self.kind, self.data = direction, kind, data  # kind: the type byte; "" of a startup message

    def is_statement(self, word):
        """A simple query that begins with this word."""
        return self.direction == TO_SERVER and self.kind == "Q" and self.data[5:].startswith(word.encode())

    def is_complete(self, tag):
        return self.direction == TO_CLIENT and self.kind == "C" and self.data[5:].startswith(tag.encode())


def reset(sock):
    """The other side sees a connection reset, not an orderly end."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.shutdown(socket.SHUT_RD)  # wakes up who reads it in another thread
    except OSError:
        pass
    sock.close()


class _Pipe:
    """One direction of one connection."""

    def __init__(self, proxy, direction, source, sink):
        self.proxy, self.direction, self.source, self.sink = proxy, direction, source, sink
        self.buffer, self.starting = b"", direction == TO_SERVER
        self.unframed = direction == TO_CLIENT  # one byte answers a request for encryption

    def frames(self):
        """Whole frames out of the buffer."""
        while True:
            if self.starting:
                if len(self.buffer) < 8 or len(self.buffer) < struct.unpack("!I", self.buffer[:4])[0]:
                    return
                length, code = struct.unpack("!II", self.buffer[:8])
                self.starting = code in (SSL_REQUEST, GSS_REQUEST)
                kind = ""
            elif self.unframed and self.buffer[:1] == b"N":
                length, kind = 1, ""
            else:
                self.unframed = False
                if len(self.buffer) < 5 or len(self.buffer) < 1 + struct.unpack("!I", self.buffer[1:5])[0]:
                    return
                length, kind = 1 + struct.unpack("!I", self.buffer[1:5])[0], chr(self.buffer[0])
            data, self.buffer = self.buffer[:length], self.buffer[length:]
            yield Frame(self.direction, kind, data)

    def run(self):
        try:
            while data := self.source.recv(65536):
                if not self.pass_on(data):
                    return
            self.sink.shutdown(socket.SHUT_WR)
        except OSError:
            self.cut()
        except Exception as failure:  # of a hook: told when the proxy ends
            self.proxy.failure = failure
            self.cut()

    def pass_on(self, data):
        if self.proxy.on_frame is None:
            return self.send(data)
        self.buffer += data
        return all(self.send_frame(frame) for frame in self.frames())

    def send_frame(self, frame):
        answer = self.proxy.on_frame(frame)
        if answer is CUT:
            self.cut()
        elif answer is LEAVE:
            reset(self.source if self.direction == TO_SERVER else self.sink)
        if answer in (CUT, LEAVE):
            return False
        return self.send(frame.data)

    def send(self, data):
        passed = self.proxy.allow(self.direction, len(data))
        while self.proxy.muted:
            time.sleep(0.05)
        self.sink.sendall(data[:passed])
        if passed < len(data):
            self.proxy.limit = None
            self.cut()
        return passed == len(data)

    def cut(self):
        reset(self.source)
        reset(self.sink)


class Proxy:
    """As a context manager; .port is where to connect to. on_frame(frame) is called for each frame before it is passed
    on, by several threads. limit=(direction, n): after n bytes in that direction, all connections together, the one at
    hand is cut, once. rate: bytes a second in each direction; delay: seconds for each piece. .muted: passes nothing on; .deaf: takes
    no new connection."""

    def __init__(self, upstream, on_frame=None, limit=None, rate=None, delay=0, host="127.0.0.1"):
        self.host, self.upstream, self.on_frame, self.limit, self.rate, self.delay = host, upstream, on_frame, limit, rate, delay
        self.bytes = {TO_SERVER: 0, TO_CLIENT: 0}
        self.muted, self.deaf, self.lock = False, False, threading.Lock()
        self.sockets, self.failure = [], None
        self.listener = socket.create_server((host, 0))
        self.port = self.listener.getsockname()[1]

    def uri(self, db, **parameters):
        extra = "".join(f"{'&' if i else '?'}{k}={v}" for i, (k, v) in enumerate(parameters.items()))
        return f"postgresql://{db.role}@{self.host}:{self.port}/{db.name}{extra}"

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, kind, *_):
        self.close()
        if self.failure and not kind:
            raise self.failure

    def close(self):
        """Resets every connection."""
        self.muted = False
        for sock in [self.listener, *self.sockets]:
            reset(sock)

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            if self.deaf:
                reset(client)
                continue
            try:
                server = socket.create_connection(("127.0.0.1", self.upstream))
                for end in (client, server):
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            except OSError:
                reset(client)
                continue
            self.sockets += [client, server]
            for pipe in (_Pipe(self, TO_SERVER, client, server), _Pipe(self, TO_CLIENT, server, client)):
                threading.Thread(target=pipe.run, daemon=True).start()

    def allow(self, direction, n):
        """How many of n bytes may pass, after the wait that they cost."""
        with self.lock:
            passed = n
            if self.limit and self.limit[0] == direction:
                passed = max(0, min(n, self.limit[1] - self.bytes[direction]))
            self.bytes[direction] += passed
        if self.delay or self.rate:
            time.sleep(self.delay + (passed / self.rate if self.rate else 0))
        return passed

"""A DNS server to test against: it tells what a test says, until it says
otherwise."""

import collections
import socket
import struct
import threading

OK, SERVFAIL, NXDOMAIN = 0, 2, 3


class NameServer:
    """.set(name, addresses, ttl) or .set(name, code=...); what it knows
    nothing of does not exist. .asked counts questions for IPv4 addresses."""

    def __init__(self, host="127.0.0.1", port=0):
        self.asked = collections.Counter()
        self.silent = False
        self._known = {}
        self._address = (host, port)
        self._socket = None

    def start(self):
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(self._address)
        self._address = self._socket.getsockname()
        self.port = self._address[1]
        self._thread = threading.Thread(target=self._run, daemon=True,
                                        args=[self._socket])
        self._thread.start()
        return self

    def stop(self):
        """Nobody listens any more; start() takes the same port again."""
        if self._socket:
            wake = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            stopped, self._socket = self._socket, None
            wake.sendto(b"", self._address)
            self._thread.join()
            stopped.close()
            wake.close()

    def set(self, name, addresses=(), ttl=1, code=OK):
        self._known[name] = (list(addresses), ttl, code)

    def _run(self, listener):
        while True:
            query, peer = listener.recvfrom(512)
            if self._socket is not listener:
                return
            answer = self._answer(query)
            if not self.silent:
                try:
                    listener.sendto(answer, peer)
                except OSError:
                    pass

    def _answer(self, query):
        end = query.index(b"\0", 12) + 1
        name, labels = [], query[12:end]
        while labels[0]:
            name.append(labels[1:labels[0] + 1].decode())
            labels = labels[labels[0] + 1:]
        name = ".".join(name)
        kind, = struct.unpack(">H", query[end:end + 2])
        if kind == 1:
            self.asked[name] += 1
        addresses, ttl, code = self._known.get(name, ([], 0, NXDOMAIN))
        family = {1: socket.AF_INET, 28: socket.AF_INET6}.get(kind)
        records = [socket.inet_pton(family, a) for a in addresses
                   if (":" in a) == (family == socket.AF_INET6)]
        return query[:2] + struct.pack(
            ">HHHHH", 0x8180 | code, 1, len(records), 0, 0) \
            + query[12:end + 4] \
            + b"".join(b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, ttl, len(r))
                       + r for r in records)

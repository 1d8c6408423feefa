"""A listener that fails as it is told, or lets through to another port."""

import socket
import struct
import threading


class Faults:
    """how: for each connection in turn one of

    "reset", "close"  as soon as it is accepted
    "read"            closed once something has come
    "garbage"         something that is neither TLS nor HTTP, then the end
    "stall"           accepted, and no more
    "pass"            to the port; so are all behind the last

    Tests look at .connections and .bytes, what came of each.
    """

    def __init__(self, port, how):
        self.port_behind = port
        self.how = how
        self.connections = 0
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.listener.getsockname()[1]
        self.open = []
        threading.Thread(target=self._run, daemon=True).start()

    def stop(self):
        self.listener.close()
        for one in self.open:
            one.close()

    def _run(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            n = self.connections
            self.connections += 1
            how = self.how[n] if n < len(self.how) else "pass"
            threading.Thread(target=self._serve, args=(peer, how),
                             daemon=True).start()

    def _serve(self, peer, how):
        if how == "stall":
            self.open.append(peer)
            return
        if how == "pass":
            self._pass(peer)
            return
        if how in ("read", "garbage"):
            peer.recv(65536)
        if how == "garbage":
            peer.sendall(b"220 this is another protocol\r\n")
        if how == "reset":
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                            struct.pack("ii", 1, 0))
        peer.close()

    def _pass(self, peer):
        behind = socket.create_connection(("127.0.0.1", self.port_behind))
        for pair in ((peer, behind), (behind, peer)):
            threading.Thread(target=self._copy, args=pair,
                             daemon=True).start()

    @staticmethod
    def _copy(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass
        for one in (source, sink):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

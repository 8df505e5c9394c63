"""A gRPC client that keeps no rule it was not told to: frames of HTTP/2 (RFC 9113) by hand, so that it can stop wherever it likes."""
import socket
import struct

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
END_STREAM, ACK, END_HEADERS = 1, 1, 4
INITIAL_WINDOW_SIZE = 4  # the setting's number
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
INFER = "/inference.GRPCInferenceService/ModelInfer"
FRAME = 16384  # bytes of data at most, without being allowed more


def frame(kind, flags=0, stream=0, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes((kind, flags)) + struct.pack(">I", stream) + payload


def header_block(path, more):
    """HPACK's literals without index or Huffman's code; every text is shorter than 127 bytes."""
    fields = {":method": "POST", ":scheme": "http", ":path": path, ":authority": "h", "te": "trailers", "content-type": "application/grpc", **more}
    return b"".join(b"\0" + bytes((len(n),)) + n.encode() + bytes((len(v),)) + v.encode() for n, v in fields.items())


def head(stream, path=INFER, more=None):
    return frame(HEADERS, END_HEADERS, stream, header_block(path, more or {}))


def varint(n):
    text = b""
    while n > 127:
        text, n = text + bytes((n & 127 | 128,)), n >> 7
    return text + bytes((n,))


def field(number, value):
    """Of a protobuf message: a text, bytes or an integer."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def infer_request(model, name, datatype, shape, raw):
    """A ModelInferRequest with one input in raw contents."""
    tensor = field(1, name) + field(2, datatype) + field(3, b"".join(map(varint, shape)))
    return field(1, model) + field(5, tensor) + field(7, raw)


def message(content, length=None, compressed=False):
    """With gRPC's prefix, which may say another length."""
    return struct.pack(">BI", compressed, len(content) if length is None else length) + content


class Connection:
    def __init__(self, port, timeout=20):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.timeout, self.unread, self.next_stream = timeout, b"", 1
        self.window, self.initial, self.windows = 65535, 65535, {}
        self.answers, self.ended, self.resets = {}, set(), {}  # by stream: bytes of messages; ended as it should; codes
        self.goaway = self.closed = False
        self.socket.sendall(PREFACE + frame(SETTINGS))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def begin(self, path=INFER, more=None):
        """A new call without its message, with these headers more; the stream's number."""
        stream, self.next_stream = self.next_stream, self.next_stream + 2
        self.expect(stream)
        self.socket.sendall(head(stream, path, more))
        return stream

    def expect(self, stream):
        """Frames of this stream, which somebody begins."""
        self.windows[stream], self.answers[stream] = self.initial, b""

    def send(self, stream, data, last=True):
        """As the server's windows allow; how many bytes went before the stream's or the connection's end."""
        data, sent = memoryview(data), 0
        while not (self.over(stream) or sent == len(data)):
            piece = min(len(data) - sent, FRAME, self.window, self.windows[stream])
            if piece <= 0:
                self.receive()
                continue
            end = END_STREAM if last and sent + piece == len(data) else 0
            try:
                self.socket.sendall(frame(DATA, end, stream, bytes(data[sent:sent + piece])))
            except (BrokenPipeError, ConnectionResetError):
                self.closed = True
                break
            sent, self.window = sent + piece, self.window - piece
            self.windows[stream] -= piece
        return sent

    def over(self, stream):
        return self.closed or stream in self.resets or stream in self.ended

    def is_closed(self):
        """Whether the server has closed, by what has come until now; answers its pings and the like."""
        self.socket.setblocking(False)
        try:
            while not self.closed:
                self.receive()
        except BlockingIOError:
            pass
        self.socket.settimeout(self.timeout)
        return self.closed

    def wait(self, stream):
        """Until the stream or the connection is over: its answer's bytes."""
        while not self.over(stream):
            self.receive()
        return self.answers[stream]

    def receive(self):
        """What comes next; TimeoutError where nothing does."""
        try:
            got = self.socket.recv(65536)
        except ConnectionResetError:
            got = b""
        if not got:
            self.closed = True
        self.unread += got
        while len(self.unread) >= 9:
            size = int.from_bytes(self.unread[:3], "big")
            if len(self.unread) < 9 + size:
                break
            kind, flags, stream = struct.unpack(">BBI", self.unread[3:9])
            self.handle(kind, flags, stream, self.unread[9:9 + size])
            self.unread = self.unread[9 + size:]

    def handle(self, kind, flags, stream, payload):
        if kind == SETTINGS and not flags & ACK:
            for i in range(0, len(payload), 6):
                number, value = struct.unpack(">HI", payload[i:i + 6])
                if number == INITIAL_WINDOW_SIZE:
                    for one in self.windows:
                        self.windows[one] += value - self.initial
                    self.initial = value
            self.reply(frame(SETTINGS, ACK))
        elif kind == PING and not flags & ACK:
            self.reply(frame(PING, ACK, 0, payload))
        elif kind == WINDOW_UPDATE:
            more = int.from_bytes(payload, "big")
            if stream:
                self.windows[stream] = self.windows.get(stream, 0) + more
            else:
                self.window += more
        elif kind == GOAWAY:
            self.goaway = True
        elif kind == RST_STREAM:
            self.resets[stream] = int.from_bytes(payload, "big")
        elif kind == DATA:
            self.answers[stream] = self.answers.get(stream, b"") + payload
            if payload:
                more = struct.pack(">I", len(payload))
                self.reply(frame(WINDOW_UPDATE, 0, 0, more) + frame(WINDOW_UPDATE, 0, stream, more))
        if kind in (DATA, HEADERS) and flags & END_STREAM:
            self.ended.add(stream)

    def reply(self, text):
        try:
            self.socket.sendall(text)
        except (BrokenPipeError, ConnectionResetError):
            self.closed = True

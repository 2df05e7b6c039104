import Foundation
import Testing

@Suite("Clients that do not read, behind TLS and WebSocket")
struct SlowReaderTests {
    /// A client of sockets, TLS and frames alone, which reads when it is told to.
    private static let client = """
        import base64, os, socket, ssl, sys
        kind, port, plain, authority = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
        def length(number):
            text = b""
            while True:
                number, digit = number >> 7, number & 127
                text += bytes([digit | (128 if number else 0)])
                if not number: return text
        def packet(first, body): return bytes([first]) + length(len(body)) + body
        def string(text): return len(text).to_bytes(2, "big") + text
        class Client:
            def __init__(self, kind, port, name):
                self.raw = socket.create_connection(("127.0.0.1", port))
                self.raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
                self.framed, self.wire, self.data = kind in ("ws", "wss"), b"", bytearray()
                if kind in ("mqtts", "wss"):
                    context = ssl.create_default_context(cafile=authority)
                    self.raw = context.wrap_socket(self.raw, server_hostname="localhost")
                if self.framed:
                    self.raw.sendall(b"GET /mqtt HTTP/1.1\\r\\nHost: localhost\\r\\nUpgrade: websocket\\r\\n"
                        b"Connection: Upgrade\\r\\nSec-WebSocket-Version: 13\\r\\nSec-WebSocket-Protocol: mqtt\\r\\n"
                        b"Sec-WebSocket-Key: " + base64.b64encode(os.urandom(16)) + b"\\r\\n\\r\\n")
                    while b"\\r\\n\\r\\n" not in self.wire: self.wire += self.raw.recv(1)
                    assert b" 101 " in self.wire, self.wire
                    self.wire = b""
                self.send(packet(0x10, string(b"MQTT") + bytes([4, 2, 0, 0]) + string(name)))
                assert self.next() == (0x20, b"\\0\\0")
            def send(self, data):
                if self.framed:
                    size = len(data)
                    head = bytes([0x82, 128 | size]) if size < 126 else b"\\x82\\xfe" + size.to_bytes(2, "big")
                    data = head + bytes(4) + data
                self.raw.sendall(data)
            def fill(self):
                data = self.raw.recv(1 << 18)
                assert data, "closed"
                if not self.framed:
                    self.data += data
                    return
                self.wire += data
                while len(self.wire) >= 2:
                    size, start = self.wire[1], 2
                    if size == 126: size, start = int.from_bytes(self.wire[2:4], "big"), 4
                    elif size == 127: size, start = int.from_bytes(self.wire[2:10], "big"), 10
                    if len(self.wire) < start + size: return
                    assert self.wire[0] == 0x82, self.wire[0]
                    self.data += self.wire[start:start + size]
                    self.wire = self.wire[start + size:]
            def next(self):
                while True:
                    size, index = 0, 1
                    while index < len(self.data):
                        size |= (self.data[index] & 127) << 7 * (index - 1)
                        index += 1
                        if self.data[index - 1] < 128:
                            if len(self.data) < index + size: break
                            found = self.data[0], bytes(self.data[index:index + size])
                            del self.data[:index + size]
                            return found
                    self.fill()
        def resident():
            status = open(f"/proc/{sys.argv[5]}/status").read()
            return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])

        """

    /// A subscriber that reads nothing while a publisher sends 96 MiB, then reads all of it. The publisher gets every
    /// acknowledgement before the subscriber reads a byte, so whatever holds the subscriber up holds nobody else.
    private static let slowReader = """
        COUNT, SIZE = 24576, 4096
        slow = Client(kind, port, b"slow")
        slow.send(packet(0x82, b"\\0\\1" + string(b"s/#") + b"\\1"))
        assert slow.next() == (0x90, b"\\0\\1\\1")
        fast = Client("mqtt", plain, b"fast")
        before = resident()
        for start in range(0, COUNT, 64):
            for number in range(start, start + 64):
                body = number.to_bytes(4, "big") * (SIZE // 4)
                fast.send(packet(0x32, string(b"s/1") + (number % 60000 + 1).to_bytes(2, "big") + body))
            for number in range(64): assert fast.next()[0] == 0x40
        print(resident() - before)
        for number in range(COUNT):
            first, body = slow.next()
            assert first & 0xF0 == 0x30 and body[:5] == string(b"s/1"), (first, body[:20])
            assert body[7:] == number.to_bytes(4, "big") * (SIZE // 4), number
            slow.send(packet(0x40, body[5:7]))
        print("received", COUNT)
        """

    /// Connections that say CONNECT and then nothing; the first hundred warm the broker up.
    private static let idle = """
        clients = [Client(kind, port, f"idle{number}".encode()) for number in range(100)]
        before = resident()
        clients += [Client(kind, port, f"idle{number}".encode()) for number in range(100, 500)]
        for client in clients[::50]:
            client.send(b"\\xc0\\0")
            assert client.next() == (0xD0, b"")
        print((resident() - before) / 400)
        """

    private func run(_ script: String, _ kind: String, _ certificates: Certificates, _ broker: BrokerProcess) throws
        -> Program.Result
    {
        try Program.run(
            [
                "python3", "-c", Self.client + script, kind, String(broker.port(kind)), String(broker.port),
                certificates.path("ca.pem"), String(broker.process.pid),
            ], within: 600)
    }

    @Test("an idle connection keeps no record buffers", arguments: ["mqtts", "wss"])
    func idles(kind: String) throws {
        let certificates = try Certificates()
        let broker = try BrokerProcess(certificates.configuration())
        let result = try run(Self.idle, kind, certificates, broker)
        #expect(result.code == 0, "\(result)")
        // KiB; OpenSSL's own structures take 15, a pair of record buffers would take 33 more.
        let each = try #require(result.lines.last.flatMap { Double($0) })
        #expect(each < 24)
    }

    @Test("a subscriber gets everything once it reads, and costs little until then", arguments: ["mqtts", "ws", "wss"])
    func readsLater(kind: String) throws {
        let certificates = try Certificates()
        let broker = try BrokerProcess(certificates.configuration(more: "log:\n  tail_memory: 2MiB\n"))
        let result = try run(Self.slowReader, kind, certificates, broker)
        #expect(result.code == 0, "\(result)")
        #expect(result.lines.last == "received 24576")
        // KiB; the tail, the output of the one client, what a busy disk makes wait, and nothing like the 96 MiB that
        // were sent.
        let growth = try #require(result.lines.first.flatMap { Int($0) })
        #expect(growth < 40 << 10, "\(growth) KiB")
        #expect(broker.stop() == 0)
    }
}

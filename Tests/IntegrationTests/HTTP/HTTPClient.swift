import CLinux
import Foundation
import Glibc
import Testing

/// An answer over HTTP.
struct HTTPAnswer {
    var status = 0
    var fields: [String: String] = [:]
    var body: [UInt8] = []

    var text: String { String(decoding: body, as: UTF8.self) }

    /// The body as a JSON object.
    var object: [String: Any] {
        get throws { try JSONSerialization.jsonObject(with: Data(body)) as? [String: Any] ?? [:] }
    }

    /// The records of a body that is a document with an array of them.
    var records: [[String: Any]] {
        get throws { try object["records"] as? [[String: Any]] ?? [] }
    }

    /// What a refusal says.
    var detail: String {
        get throws { try object["detail"] as? String ?? "" }
    }
}

/// A connection that speaks HTTP as a test dictates.
final class HTTPClient {
    private let socket: Int32
    private var received: [UInt8] = []

    struct Failure: Error { let text: String }

    init(port: Int) throws {
        socket = sluice_connect_tcp("127.0.0.1", String(port))
        guard socket >= 0 else { throw Failure(text: "cannot connect: \(errno)") }
    }

    deinit { close(socket) }

    /// One request on a connection of its own.
    static func ask(
        _ port: Int, _ method: String, _ target: String, body: String? = nil, fields: [String] = []
    ) throws -> HTTPAnswer {
        let client = try HTTPClient(port: port)
        try client.send(method, target, body: body, fields: fields)
        return try client.answer()
    }

    func send(_ method: String, _ target: String, body: String? = nil, fields: [String] = []) throws {
        var head = "\(method) \(target) HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        for field in fields { head += field + "\r\n" }
        if let body { head += "Content-Length: \(body.utf8.count)\r\n" }
        try send(raw: Array((head + "\r\n" + (body ?? "")).utf8))
    }

    func send(raw bytes: [UInt8]) throws {
        guard takes(bytes) else { throw Failure(text: "the connection takes nothing: \(errno)") }
    }

    /// Whether the connection takes bytes, all of them.
    func takes(_ bytes: [UInt8]) -> Bool { LoopbackSocket.takes(bytes, socket) }

    /// Ends our half.
    func endSending() { shutdown(socket, Int32(SHUT_WR)) }

    // MARK: Answers

    /// The next answer, all of it.
    func answer(isHead: Bool = false, within seconds: Double = 120) throws -> HTTPAnswer {
        var answer = try head(within: seconds)
        if answer.status == 100 { answer = try head(within: seconds) }
        if isHead || answer.status == 204 || answer.status == 304 { return answer }
        if let length = answer.fields["content-length"].flatMap({ Int($0) }) {
            answer.body = try take(length, within: seconds)
        } else if answer.fields["transfer-encoding"] == "chunked" {
            while true {
                let text = try line(within: seconds)
                guard let size = Int(text, radix: 16) else { throw Failure(text: "no chunk: \(text)") }
                if size == 0 { break }
                answer.body += try take(size, within: seconds)
                _ = try line(within: seconds)
            }
            while true {
                let trailer = try line(within: seconds)
                if trailer.isEmpty { break }
                note(trailer, in: &answer)
            }
        } else {
            while try receive(within: seconds) {}
            answer.body = received
            received = []
        }
        return answer
    }

    /// The head of the next answer.
    func head(within seconds: Double = 120) throws -> HTTPAnswer {
        var answer = HTTPAnswer()
        let words = try line(within: seconds).split(separator: " ")
        guard words.count > 1, words[0] == "HTTP/1.1", let status = Int(words[1]) else {
            throw Failure(text: "no answer: \(words)")
        }
        answer.status = status
        while true {
            let field = try line(within: seconds)
            if field.isEmpty { return answer }
            note(field, in: &answer)
        }
    }

    private func note(_ line: String, in answer: inout HTTPAnswer) {
        let parts = line.split(separator: ":", maxSplits: 1)
        guard parts.count == 2 else { return }
        answer.fields[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces)
    }

    /// The next line without its end.
    func line(within seconds: Double = 120) throws -> String {
        while true {
            if let end = received.firstIndex(of: 0x0A) {
                let line = received[..<end]
                received.removeFirst(end + 1)
                return String(decoding: line.last == 0x0D ? line.dropLast() : line, as: UTF8.self)
            }
            guard try receive(within: seconds) else { throw Failure(text: "closed in the middle of a line") }
        }
    }

    private func take(_ count: Int, within seconds: Double) throws -> [UInt8] {
        while received.count < count {
            guard try receive(within: seconds) else { throw Failure(text: "closed in the middle of a body") }
        }
        defer { received.removeFirst(count) }
        return Array(received.prefix(count))
    }

    /// The next server-sent event: its identifier and its data.
    func event(within seconds: Double = 120) throws -> (id: String?, data: String) {
        var (id, data) = (String?.none, String?.none)
        while true {
            let text = try line(within: seconds)
            if text.isEmpty {
                if let data { return (id, data) }
                id = nil
            }
            if text.hasPrefix("id: ") { id = String(text.dropFirst(4)) }
            if text.hasPrefix("data: ") { data = String(text.dropFirst(6)) }
        }
    }

    /// Whether the other side hangs up, after whatever it says.
    func isClosed(within seconds: Double = 120) -> Bool {
        do {
            while try receive(within: seconds) {}
            return true
        } catch {
            return false
        }
    }

    /// Waits for bytes.
    /// - Returns: false at the connection's end.
    private func receive(within seconds: Double) throws -> Bool {
        let deadline = Deadline(seconds)
        while true {
            var entry = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
            guard poll(&entry, 1, deadline.milliseconds) > 0 else {
                if deadline.isOver { throw Failure(text: "silence") }
                continue
            }
            var chunk = [UInt8](repeating: 0, count: 64 << 10)
            let count = recv(socket, &chunk, chunk.count, 0)
            guard count > 0 else { return false }
            received += chunk.prefix(count)
            return true
        }
    }
}

extension BrokerProcess {
    /// What tests of HTTP run with.
    static let withHTTP = """
        \(plain)listeners:
          mqtt: 127.0.0.1:0
          http: 127.0.0.1:0
        streams:
          - name: sensors
            partitions: 3
          - name: other
        rules:
          - from: sensors/{site}/{device}/#
            stream: sensors
            key: "{device}"
          - from: other/#
            stream: other

        """

    var http: Int { ports["http"] ?? 0 }

    /// One request.
    func ask(
        _ method: String, _ target: String, body: String? = nil, fields: [String] = []
    ) throws -> HTTPAnswer {
        try HTTPClient.ask(http, method, target, body: body, fields: fields)
    }
}

extension TemporaryDirectory {
    /// Writes `passwords` and `acl`: alice has the sensors of her own site, admin has everything.
    func writeUsers() throws {
        _ = try write("passwords", "")
        for (user, password) in ["alice": "wonder", "admin": "root"] {
            let made = try Program.sluice(["passwd", "-b", "\(path)/passwords", user, password])
            #expect(made.code == 0, "\(made)")
        }
        _ = try write(
            "acl",
            """
            user alice
            topic readwrite sensors/a/#
            user admin
            topic readwrite #
            topic readwrite $sluice/#
            topic read $SYS/#
            topic readwrite $stream/#

            """)
    }
}

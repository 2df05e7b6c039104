/// What the length of a request's body is known by.
package enum BodyFraming: Equatable, Sendable {
    /// There is none.
    case none
    /// So many bytes.
    case length(Int)
    /// Chunks, each with its length.
    case chunked
}

/// The head of a request: its line and its fields.
///
/// Read strictly: what two programs could understand differently (a bare line feed, a folded field, two lengths, a
/// space before a colon) is refused, since a proxy in front of us may have understood it the other way (request
/// smuggling).
///
/// Source: RFC 9112 §2 to §6, RFC 9110 §5.
package struct RequestHead: Equatable, Sendable {
    /// Bytes of a head at most.
    package static let byteCountMax = 16 << 10
    /// Fields of a head at most.
    package static let fieldCountMax = 64

    /// The method, such as `GET`.
    package let method: String
    /// The path's segments without their percent-encoding; none for `/`. A slash at the end makes an empty one.
    package let path: [String]
    /// The query's names and values without their percent-encoding, in their order. A plus sign stands for itself, as
    /// in RFC 3986: topic filters have them.
    package let query: [(name: String, value: String)]
    /// The fields with their names in small letters, in their order.
    package let fields: [(name: String, value: String)]
    /// Whether it is HTTP/1.1, not HTTP/1.0.
    package let isVersion11: Bool
    /// What the length of the body is known by.
    package let framing: BodyFraming
    /// Whether another request may follow on the connection.
    package let keepsAlive: Bool
    /// Whether the client waits for `100 Continue` before it sends the body.
    package let expectsContinue: Bool

    /// The value of the first field of a name in small letters.
    package func field(_ name: String) -> String? { fields.first { $0.name == name }?.value }

    /// The elements of the lists that the fields of a name in small letters have.
    package func elements(of name: String) -> [String] {
        fields.filter { $0.name == name }.flatMap { Self.list($0.value) }
    }

    /// Whether such a list has an element, whatever the case of its letters.
    package func lists(_ name: String, _ element: String) -> Bool {
        elements(of: name).contains { $0.lowercased() == element }
    }

    /// The value of the first parameter of a name.
    package func parameter(_ name: String) -> String? { query.first { $0.name == name }?.value }

    /// Whether both are the same.
    package static func == (left: RequestHead, right: RequestHead) -> Bool {
        left.method == right.method && left.path == right.path && left.framing == right.framing
            && left.keepsAlive == right.keepsAlive && left.expectsContinue == right.expectsContinue
            && left.query.elementsEqual(right.query) { $0 == $1 }
            && left.fields.elementsEqual(right.fields) { $0 == $1 }
    }
}

extension RequestHead {
    /// Where a head ends in `bytes`: behind its empty line.
    /// - Parameter scanned: how many bytes an earlier call has seen without finding it; what it has seen now.
    /// - Throws: `HTTPFault` when there is none in as many bytes as a head may have.
    package static func end(in bytes: Span<UInt8>, scanned: inout Int) throws(HTTPFault) -> Int? {
        var index = max(0, scanned - 3)
        let most = min(bytes.count, byteCountMax)
        while index + 3 < most {
            if bytes[index] == 0x0D, bytes[index + 1] == 0x0A, bytes[index + 2] == 0x0D, bytes[index + 3] == 0x0A {
                return index + 4
            }
            index += 1
        }
        scanned = most
        guard bytes.count < byteCountMax else {
            throw HTTPFault(.headTooLarge, "a request's head has at most \(byteCountMax) bytes")
        }
        return nil
    }

    /// Reads a head.
    /// - Parameter bytes: everything up to and with the empty line.
    /// - Throws: `HTTPFault`.
    package init(_ bytes: Span<UInt8>) throws(HTTPFault) {
        var lines = try Self.lines(bytes)[...]
        guard let first = lines.popFirst() else { throw Self.bad("the request is empty") }
        let words = first.split(separator: 0x20, omittingEmptySubsequences: false)
        guard words.count == 3, !words[0].isEmpty, words[0].allSatisfy(HTTPCharacter.isToken) else {
            throw Self.bad("the first line is not 'METHOD TARGET HTTP/1.1'")
        }
        let minorVersion = try Self.minorVersion(words[2])
        isVersion11 = minorVersion == 1
        method = String(decoding: words[0], as: UTF8.self)
        (path, query) = try RequestTarget.read(words[1])
        var fields: [(name: String, value: String)] = []
        for line in lines { fields.append(try Self.field(line)) }
        guard fields.count <= Self.fieldCountMax else {
            throw HTTPFault(.headTooLarge, "a request has at most \(Self.fieldCountMax) header fields")
        }
        self.fields = fields
        let hostCount = fields.count { $0.name == "host" }
        guard hostCount == 1 || hostCount == 0 && minorVersion == 0 else {
            throw Self.bad("a request has one field 'Host', not \(hostCount)")
        }
        framing = try Self.framing(fields, minorVersion: minorVersion)
        let options = fields.filter { $0.name == "connection" }.flatMap { Self.list($0.value) }.map { $0.lowercased() }
        keepsAlive =
            minorVersion == 1 ? !options.contains("close") : options.contains("keep-alive") && framing != .chunked
        expectsContinue = try Self.expectation(fields)
    }

    private static func bad(_ words: String) -> HTTPFault { HTTPFault(.badRequest, words) }

    private static func lines(_ bytes: Span<UInt8>) throws(HTTPFault) -> [[UInt8]] {
        var lines: [[UInt8]] = []
        var line: [UInt8] = []
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            if byte == 0x0D {
                guard index < bytes.count, bytes[index] == 0x0A else {
                    throw bad("a carriage return without line feed")
                }
                index += 1
                lines.append(line)
                line = []
            } else if byte == 0x0A || byte == 0 {
                throw bad(byte == 0 ? "a zero byte" : "a line feed without carriage return")
            } else {
                line.append(byte)
            }
        }
        guard line.isEmpty, lines.last?.isEmpty == true else { throw bad("the head has no end") }
        lines.removeLast()
        return lines
    }

    private static func minorVersion(_ word: ArraySlice<UInt8>) throws(HTTPFault) -> Int {
        if word.elementsEqual("HTTP/1.1".utf8) { return 1 }
        if word.elementsEqual("HTTP/1.0".utf8) { return 0 }
        guard word.starts(with: "HTTP/".utf8) else {
            throw bad("the first line is not 'METHOD TARGET HTTP/1.1'")
        }
        throw HTTPFault(.versionNotSupported, "HTTP/1.1 and HTTP/1.0 are spoken here")
    }

    private static func field(_ line: [UInt8]) throws(HTTPFault) -> (name: String, value: String) {
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > 0,
            line[..<colon].allSatisfy(HTTPCharacter.isToken)
        else { throw bad("a header line is not 'Name: value'") }
        let value = HTTPCharacter.trimmed(line[(colon + 1)...])
        guard value.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }) else {
            throw bad("a header field has a control character")
        }
        return (
            String(decoding: line[..<colon], as: UTF8.self).lowercased(), String(decoding: value, as: UTF8.self)
        )
    }

    private static func list(_ value: String) -> [String] {
        value.split(separator: ",").map { word in
            String(decoding: HTTPCharacter.trimmed(Array(word.utf8)[...]), as: UTF8.self)
        }
    }

    /// Source: RFC 9112 §6.3. One length or one coding, never both, and each once.
    private static func framing(
        _ fields: [(name: String, value: String)], minorVersion: Int
    ) throws(HTTPFault) -> BodyFraming {
        let lengths = fields.filter { $0.name == "content-length" }
        let codings = fields.filter { $0.name == "transfer-encoding" }
        guard lengths.count <= 1, codings.count <= 1, lengths.isEmpty || codings.isEmpty else {
            throw bad("the length of the body is said more than once")
        }
        if let coding = codings.first {
            guard minorVersion == 1 else { throw bad("HTTP/1.0 has no transfer coding") }
            guard coding.value.lowercased() == "chunked" else {
                throw HTTPFault(.notImplemented, "the only transfer coding is 'chunked', not '\(coding.value)'")
            }
            return .chunked
        }
        guard let length = lengths.first else { return .none }
        let digits = Array(length.value.utf8)
        guard !digits.isEmpty, digits.count <= 15, digits.allSatisfy({ 0x30...0x39 ~= $0 }) else {
            throw bad("'Content-Length' is not a number of bytes: '\(length.value)'")
        }
        let count = digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
        return count == 0 ? .none : .length(count)
    }

    private static func expectation(_ fields: [(name: String, value: String)]) throws(HTTPFault) -> Bool {
        guard let expectation = fields.first(where: { $0.name == "expect" }) else { return false }
        guard expectation.value.lowercased() == "100-continue" else {
            throw HTTPFault(.expectationFailed, "'Expect' can be '100-continue', not '\(expectation.value)'")
        }
        return true
    }
}

/// The names by which a listener may be asked.
///
/// A page in a browser may let its own name mean 127.0.0.1 from one moment to the next (DNS rebinding); then the
/// browser takes a listener there for the page's own place. What gives it away is the name in `Host`.
package struct HostNames: Equatable, Sendable {
    /// Names in small letters.
    private let names: [String]
    private let isStrict: Bool

    /// - Parameters:
    ///   - host: where it listens. On a loopback address only known names are answered.
    ///   - names: those that it has beside `localhost` and addresses; wherever it listens, one that is given makes it
    ///     answer to no others.
    package init(host: String, names: [String]) {
        self.names = names.map { $0.lowercased() }
        isStrict = !names.isEmpty || Self.isLocal(host.lowercased()) || host.hasPrefix("127.") || host == "::1"
    }

    /// Refuses a request that asks somebody else. HTTP/1.0 may leave the name out, which no browser does.
    /// - Throws: `HTTPFault` (421) that says what was expected.
    package func check(_ head: RequestHead) throws(HTTPFault) {
        guard isStrict, let host = head.field("host") else { return }
        let name = Self.name(of: host.lowercased())
        guard !Self.isAddress(name), !Self.isLocal(name), !names.contains(name) else { return }
        let known = (["an address", "'localhost'"] + names.map { "'\($0)'" }).joined(separator: ", ")
        throw HTTPFault(
            .misdirectedRequest,
            "this listener is asked as \(known), not as '\(host)'; other names are given in its setting 'names'")
    }

    private static func isLocal(_ name: String) -> Bool { name == "localhost" || name.hasSuffix(".localhost") }

    /// A host without its port, and without the dot that may end a name.
    private static func name(of host: String) -> String {
        if host.hasPrefix("[") { return String(host.prefix { $0 != "]" }) + "]" }
        let name = host.prefix { $0 != ":" }
        return String(name.hasSuffix(".") ? name.dropLast() : name)
    }

    /// Whether it is an address as it stands in a URI (RFC 3986 §3.2.2), which no name server has a say in.
    private static func isAddress(_ name: String) -> Bool {
        if name.hasPrefix("[") {
            return name.utf8.dropFirst().dropLast().allSatisfy { byte in
                0x30...0x39 ~= byte || 0x61...0x66 ~= byte || byte == 0x3A || byte == 0x2E
            }
        }
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.allSatisfy { UInt8($0) != nil && $0.first != "+" }
    }
}

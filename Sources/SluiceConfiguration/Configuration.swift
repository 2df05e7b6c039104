package import DeviceProfiles
package import SluiceCore

/// Everything that a broker is told before it starts; a value with every default filled in.
package struct Configuration: Equatable, Sendable {
    /// Where connections are accepted.
    package var listeners = ListenerSettings()
    /// What clients of Kafka's protocol may do.
    package var kafka = KafkaOptions()
    /// The directory of the log, created when it is not there.
    package var dataDirectory = "./data"
    /// Event loops; 0 means one for each core.
    package var loopCount = 0
    /// Bytes of memory that the process may take; nil for what the system lets it have.
    package var memoryBytes: Int?
    /// The write-ahead journal.
    package var journal = JournalSettings()
    /// The log.
    package var log = LogSettings()
    /// What input may not grow past.
    package var limits = Limits()
    /// Which addresses are kept out for their failures; nil for none.
    package var bans: BanOptions?
    /// All streams that topics can go to: those listed, those that a rule gives settings of, and `mqtt`.
    package var streams: [StreamSettings] = []
    /// The rules, in the order they are tried.
    package var rules: [RuleSettings] = []
    /// The directory of device profiles; nil for none.
    package var devicesDirectory: String?
    /// What devices publish.
    package var profiles: [DeviceProfile] = []
    /// Who may do what, by roles; nil leaves it to an ACL file, or to nobody.
    package var access: AccessSection?
    /// Who is let in, and what decides what they may do, where listeners say nothing else.
    package var security = SecuritySettings()
    /// Bridges to other brokers.
    package var bridges: [BridgeConfiguration] = []
    /// What is logged.
    package var logging = LoggingSettings()
    /// The record of who came, went and changed what; nil for none.
    package var audit: AuditSettings?

    /// The defaults: no rules, and the catch-all stream.
    package init() {
        streams = [StreamSettings(name: Self.catchAllStream, segmentBytes: log.segmentBytes)]
    }

    /// The stream of topics that no rule matches; it always exists.
    package static let catchAllStream = "mqtt"
}

/// A host and port to listen on.
package struct ListenAddress: Equatable, Sendable, CustomStringConvertible {
    /// A name or numeric address, IPv6 without brackets.
    package var host: String
    /// The TCP port; 0 lets the system choose.
    package var port: UInt16

    /// An address.
    package init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// Reads `HOST:PORT`, `[IPV6]:PORT`; nil when it is neither.
    package init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"),
            let number = Quantity.wholeNumber(text[text.index(after: colon)...]),
            let port = UInt16(exactly: number)
        else { return nil }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            return nil
        }
        guard !host.isEmpty, !host.contains(where: { $0.isWhitespace || "[]/".contains($0) }) else { return nil }
        self.init(host: String(host), port: port)
    }

    /// The form that is read.
    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// The write-ahead journal.
package struct JournalSettings: Equatable, Sendable {
    /// Bytes of one journal file.
    package var fileBytes = 64 << 20
    /// How long a commit waits for company, 0 to 10 ms; commits already gather while the one before is being synced.
    package var commitDelay = Duration.zero
}

/// The log.
package struct LogSettings: Equatable, Sendable {
    /// Bytes of records kept in memory behind the newest, over all partitions.
    package var tailBytes = 16 << 20
    /// Bytes of a segment file, where a stream says nothing else.
    package var segmentBytes = 256 << 20
    /// Bytes of segment files that all streams together keep; nil without bound.
    package var retentionBytes: Int?
    /// Bytes that the data directory may take, journal and reserve counted; publishes are refused before it takes more.
    /// Nil leaves it to the disk.
    package var quotaBytes: Int?
    /// Bytes of the disk that are set aside for sessions and offsets, and for starting, when it is full.
    package var reserveBytes = 32 << 20
}

/// What is logged.
package struct LoggingSettings: Equatable, Sendable {
    /// The least severe level that is written.
    package var level = LogLevel.info
    /// What lines look like.
    package var format = LogFormat.text
    /// The least severe level of single parts, where it is another one.
    package var parts: [LogPart: LogLevel] = [:]

    /// The defaults.
    package init() {}
}

/// What log lines look like.
package enum LogFormat: String, CaseIterable, Sendable {
    /// Time, level and words.
    case text
    /// One JSON object.
    case json
}

/// The record of who came, went and changed what.
package struct AuditSettings: Equatable, Sendable {
    /// Its file; nil for among the log lines.
    package var file: String?
    /// Bytes of a file, beyond which another one is begun.
    package var fileBytes = 16 << 20
    /// Full files that are kept.
    package var keptCount = 5

    init(_ section: SectionReader) {
        file = section.value("file", .text("a file"))
        if let size = section.value("size", .byteCount(4 << 10...1 << 40)) { fileBytes = size }
        if let count = section.value("keep", .integer(0...1000)) { keptCount = count }
    }
}

/// How severe a log line is.
package enum LogLevel: String, CaseIterable, Sendable {
    /// Every packet.
    case trace
    /// Decisions.
    case debug
    /// What an operator wants to know.
    case info
    /// What an operator should look at.
    case warning
    /// What failed.
    case error
}

/// What a rule gives, or takes away.
package enum Grant: Sendable, Equatable, CaseIterable, BitwiseCopyable {
    /// Messages may be received.
    case read
    /// Messages may be published.
    case write
    /// Both.
    case readWrite
    /// Neither, whatever other rules of the same kind say.
    case deny

    /// The word for it in Mosquitto's files.
    package var word: String {
        switch self {
        case .read: "read"
        case .write: "write"
        case .readWrite: "readwrite"
        case .deny: "deny"
        }
    }

    func gives(_ access: Access) -> Bool {
        switch self {
        case .read: access == .read
        case .write: access == .write
        case .readWrite: true
        case .deny: false
        }
    }
}

/// What is asked for.
enum Access {
    case read
    case write
}

/// A rule as it is kept: its words lie in one array with those of all others, so that a file of 100,000 lines is not
/// 100,000 allocations.
struct StoredRule: BitwiseCopyable {
    /// Where its filter lies.
    var start: UInt32
    var byteCount: UInt32
    /// Its line, from 1.
    var line: UInt32
    /// The number of the words that stand in front of its filter.
    var lead: UInt32
    var grant: Grant
    /// Whether `%u` or `%c` stand in it for names.
    var hasPlaceholders: Bool

    var bytes: Range<Int> { Int(start)..<Int(start) + Int(byteCount) }
}

/// A right to something that has a name and no topic: a stream, a consumer group, a transactional identifier.
struct NameRule {
    enum Kind { case readStream, writeStream, group, transaction }

    var kind: Kind
    /// The name, or its beginning.
    var name: [UInt8]
    var isPrefix: Bool
    var number: RuleNumber

    func covers(_ other: Span<UInt8>) -> Bool {
        guard isPrefix ? other.count >= name.count : other.count == name.count else { return false }
        for index in name.indices where name[index] != other[index] { return false }
        return true
    }
}

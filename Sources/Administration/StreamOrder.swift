/// How a stream is to be: what is nil is left as it is, or as it is by itself.
package struct StreamOrder: Equatable, Sendable {
    /// Its name.
    package var name: String
    /// The number of its partitions.
    package var partitionCount: Int?
    /// `fsync`, `interval` or `memory`.
    package var durability: String?
    /// `delete`, `compact` or `compact,delete`.
    package var cleanup: String?
    /// How long records are kept, in milliseconds; -1 for ever.
    package var retentionMilliseconds: Int64?
    /// How many bytes each partition keeps; -1 for all.
    package var retentionBytes: Int64?

    /// An order that changes nothing.
    package init(name: String) { self.name = name }

    /// The order as lines: the name, then a setting and its value on each.
    var lines: [String] {
        var lines = [name]
        if let value = partitionCount { lines.append("partitions \(value)") }
        if let value = durability { lines.append("durability \(value)") }
        if let value = cleanup { lines.append("cleanup \(value)") }
        if let value = retentionMilliseconds { lines.append("retention.ms \(value)") }
        if let value = retentionBytes { lines.append("retention.bytes \(value)") }
        return lines
    }

    /// The order of lines.
    /// - Throws: `AdministrationRequest.Fault` that names the line and what was expected.
    init(_ lines: [String]) throws(AdministrationRequest.Fault) {
        guard let name = lines.first, !name.isEmpty else {
            throw .malformed("expected a stream, and lines of a setting and its value")
        }
        self.init(name: name)
        for line in lines.dropFirst() where !line.isEmpty {
            let words = line.split(separator: " ", maxSplits: 1).map(String.init)
            guard words.count == 2, take(words[0], words[1]) else {
                throw .malformed(
                    "expected partitions, durability, cleanup, retention.ms or retention.bytes, and a value, "
                        + "not '\(line)'"
                )
            }
        }
    }

    private mutating func take(_ key: String, _ value: String) -> Bool {
        switch key {
        case "partitions":
            partitionCount = Int(value)
            return partitionCount != nil
        case "durability":
            durability = value
            return ["fsync", "interval", "memory"].contains(value)
        case "cleanup":
            cleanup = value
            return ["delete", "compact", "compact,delete"].contains(value)
        case "retention.ms":
            retentionMilliseconds = Int64(value)
            return retentionMilliseconds ?? -2 >= -1
        case "retention.bytes":
            retentionBytes = Int64(value)
            return retentionBytes ?? -2 >= -1
        case _: return false
        }
    }
}

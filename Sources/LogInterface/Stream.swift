package import SluiceCore

/// How long an acknowledgement waits, per stream.
package enum Durability: String, Sendable, CaseIterable {
    /// Until the record is on the device, or safe by whatever the engine has in its place.
    case fsync
    /// Until the operating system has the record; the device gets it every so often.
    case interval
    /// Not at all.
    case memory
}

/// A named log and how it is kept.
package struct StreamSettings: Sendable, Equatable {
    /// The name: `[a-zA-Z0-9._-]{1,249}`, as Kafka's topics. Names with `__` in front are the node's own.
    package var name: String
    /// The number of partitions.
    package var partitionCount = 1
    /// What an acknowledgement waits for.
    package var durability = Durability.fsync
    /// What becomes of its old records.
    package var policy = StreamPolicy()
    /// Settings by name that the engine has no use for, and keeps for who does: those of Kafka's topics.
    package var extra: [String: String] = [:]
    /// Where partitions begin, by number: records before were given up. One that is missing begins with its first.
    package var startOffsets: [Int: Offset] = [:]

    /// Settings with the defaults.
    package init(name: String) { self.name = name }

    /// Whether it holds the node's own state: sessions, offsets, checkpoints. Nobody else writes there.
    package var isInternal: Bool { name.hasPrefix("__") }

    /// The one of the node's own streams that others may read: who is there.
    package static let presence = "__presence"

    /// Whether it may be read by its name.
    package var isReadable: Bool { !isInternal || name == Self.presence }
}

/// A stream as the broker sees it.
package struct StreamDescription: Sendable, Equatable {
    /// How it is kept.
    package var settings: StreamSettings
    /// A random identifier that never changes, as 22 characters of base64url: 16 bytes, Kafka's topic identifier.
    package var id: String
    /// Its partitions, by number.
    package var partitions: [PartitionID]

    /// A stream from its parts.
    package init(settings: StreamSettings, id: String, partitions: [PartitionID]) {
        precondition(settings.partitionCount == partitions.count)
        self.settings = settings
        self.id = id
        self.partitions = partitions
    }
}

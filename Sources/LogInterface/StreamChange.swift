package import SluiceCore

/// What may be asked of a running engine about its streams.
package enum StreamRequest: Sendable, Equatable {
    /// Makes a stream.
    case create(StreamSettings)
    /// Changes a stream.
    case alter(String, StreamAlteration)
    /// Deletes a stream and all that is in it.
    case delete(String)

    /// The stream that it is about.
    package var name: String {
        switch self {
        case .create(let settings): settings.name
        case .alter(let name, _), .delete(let name): name
        }
    }
}

/// What is to be different about a stream; nil leaves as it is.
package struct StreamAlteration: Sendable, Equatable {
    /// The number of its partitions, at least as many as it has: a key's records would move otherwise.
    package var partitionCount: Int?
    /// What becomes of its old records, from the next look on.
    package var policy: StreamPolicy?
    /// What acknowledgements wait for, of appends from then on.
    package var durability: Durability?
    /// All of the settings that the engine keeps for others.
    package var extra: [String: String]?
    /// Where some partitions begin from now on, by number; an offset behind the first record's counts, and none behind
    /// the high watermark.
    package var startOffsets: [Int: Offset] = [:]

    /// An alteration of nothing.
    package init() {}
}

/// Why a request about a stream came to nothing.
package enum StreamFault: Error, Sendable, Equatable {
    /// There is a stream of this name.
    case exists
    /// There is none.
    case unknown
    /// The name is none that Kafka would take; see `StreamSettings.isValid`.
    case invalidName
    /// The number of partitions is less than one, or than there are.
    case invalidCount
    /// It is one of the node's own.
    case isInternal
    /// The engine has no more numbers for partitions than this many, those of deleted streams included.
    case partitionLimit(Int)
    /// A deleted stream of this name is still being removed; it may be made again later.
    case isBeingDeleted
    /// The engine could not keep it, for this reason; the streams are as they were.
    case storage(String)
}

extension StreamSettings {
    /// Why a stream cannot be made with these settings, if they say so.
    package var fault: StreamFault? {
        if !StreamName.isValid(name) { return .invalidName }
        if isInternal { return .isInternal }
        return partitionCount < 1 ? .invalidCount : nil
    }

    /// The settings with an alteration.
    /// - Throws: `StreamFault` when the stream cannot be altered so.
    package func altered(by change: StreamAlteration) throws(StreamFault) -> StreamSettings {
        if isInternal { throw .isInternal }
        var settings = self
        settings.partitionCount = change.partitionCount ?? partitionCount
        if settings.partitionCount < partitionCount { throw .invalidCount }
        settings.policy = change.policy ?? policy
        settings.durability = change.durability ?? durability
        settings.extra = change.extra ?? extra
        for (number, offset) in change.startOffsets where number < settings.partitionCount {
            settings.startOffsets[number] = max(offset, settings.startOffsets[number] ?? .zero)
        }
        return settings
    }
}

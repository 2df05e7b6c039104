import RecordFormat
package import SluiceCore
package import Speaking

/// What the Kafka endpoint of one loop needs to know.
package struct KafkaSettings: Sendable {
    /// The index of the loop among all of them.
    package var index: Int
    /// Bounds of what input could make grow.
    package var limits: Limits
    /// The limits of single listeners, by their names.
    package var listenerLimits: [String: Limits] = [:]
    /// Counts connections, and keeps addresses out; nil for nobody.
    package var gate: (any ConnectionGate)?
    /// The node's number in the cluster that clients see, which has no other node.
    package static let nodeID: Int32 = 1
    /// What clients tell clusters apart by: 22 characters of base64url.
    package var clusterID: String
    /// Where clients are told to connect, by the name of the listener that they came to.
    package var advertised: [String: KafkaAddress]
    /// Whether a topic that a client asks for is made when there is none.
    package var createsTopics: Bool
    /// The streams that the configuration declares, which clients cannot change.
    package var declared: Set<String>
    /// Keeps the record of what was done; nil for none.
    package var audit: (any AuditTrail)?
    /// Who clients are and what they may do; nil for everybody everything.
    package var access: (any KafkaAdmission)?
    /// Where the log lies, for tools that ask.
    package var directory: String

    /// Settings from their parts.
    package init(
        index: Int, limits: Limits, clusterID: String, advertised: [String: KafkaAddress], createsTopics: Bool,
        declared: Set<String>, directory: String
    ) {
        self.index = index
        self.limits = limits
        self.clusterID = clusterID
        self.advertised = advertised
        self.createsTopics = createsTopics
        self.declared = declared
        self.directory = directory
    }
}

extension Conversation {
    /// Kafka's protocol.
    package static let kafka = Conversation(rawValue: "kafka")
}

/// A place where clients connect.
package struct KafkaAddress: Sendable, Equatable {
    /// A name or a numeric address.
    package var host: String
    /// The port.
    package var port: UInt16

    /// An address from its parts.
    package init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }
}

/// Bounds of the Kafka endpoint, with the arithmetic that chose them.
enum KafkaBounds {
    /// Bytes of one request: Kafka's `socket.request.max.bytes`. Memory is taken as they come, not as they are
    /// announced.
    static let requestBytesMax = 100 << 20
    /// Bytes of one batch: Kafka's `message.max.bytes`.
    static let batchBytesMax = 1_048_588
    /// Bytes that the records of one batch may take when they are decompressed.
    static let plainBytesMax = BatchLayout.plainBytesMax
    /// Requests of one connection that are not answered yet; clients have five under way unless told otherwise.
    static let callsMax = 64
    /// How long a connection may be without a request: Kafka's `connections.max.idle.ms`.
    static let idleNanosecondsMax: Int64 = 600_000_000_000
    /// Bytes that wait for one connection's socket, beyond which its requests wait.
    static let outputBytesMax = 4 << 20
    /// Bytes of one response that are copied from memory; regions of files are not copied.
    static let copiedBytesMax = 2 << 20
    /// Bytes that are read of one partition for one response at most, whatever the client asks for.
    static let partitionBytesMax = 16 << 20
    /// Bytes of what a client may remember with an offset: Kafka's `offset.metadata.max.bytes`.
    static let offsetMetadataBytesMax = 4096
    /// How long a member may be silent, in milliseconds: Kafka's `group.min.session.timeout.ms` and `max`.
    static let sessionMilliseconds: ClosedRange<Int32> = 6000...1_800_000
    /// Bytes that a member of a group may say of itself, and be assigned: about what Kafka's `message.max.bytes` leaves
    /// for a group's record.
    static let memberBytesMax = 1 << 20
    /// How far in the future a record may be, in milliseconds: Kafka's `message.timestamp.after.max.ms`.
    static let futureMilliseconds: Int64 = 3_600_000
    /// Bytes of a pattern: an alternative of some sixty names.
    static let patternBytesMax = 1024
    /// Instructions of a pattern: sixty names take 500. The worst that was found costs a loop 21 us for each topic, a
    /// pattern that is meant well 10 ns; without this bound the former is 0.2 ms.
    static let patternInstructionsMax = 1000
    /// Bytes that a pattern may take while it is matched; it is not kept. RE2 takes a third for the states of its
    /// automaton and wants room for twenty, of 4 KB each with as many instructions as there may be; without it it would
    /// take the slow way.
    static let patternMemoryMax = 1 << 20
}

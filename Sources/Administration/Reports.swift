/// A stream as a running node describes it.
package struct StreamReport: AdministrationValue {
    /// Its name.
    package var name = ""
    /// Its identifier.
    package var id = ""
    /// What an acknowledgement waits for: `fsync`, `interval` or `memory`.
    package var durability = ""
    /// What becomes of old records: `delete`, `compact` or `compact,delete`.
    package var cleanup = ""
    /// How long records are kept, in milliseconds; nil for ever.
    package var retentionMilliseconds: Int64?
    /// How many bytes each partition keeps; nil for all.
    package var retentionBytes: Int64?
    /// Its partitions, by number.
    package var partitions: [PartitionReport] = []

    /// One partition's bounds.
    package struct PartitionReport: AdministrationValue {
        /// Figures of the embedded engine.
        private static let engineFigures = ["flushed", "segments"]
        /// The partition's number.
        package var number: Int64 = 0
        /// The offset of the oldest record kept.
        package var start: Int64 = 0
        /// The offset behind the newest record that is durable by the stream's policy.
        package var durable: Int64 = 0
        /// The offset behind the newest record.
        package var appended: Int64 = 0
        /// Bytes of its records at rest.
        package var byteCount: Int64 = 0
        /// What the engine knows besides, by its own names.
        package var figures: [String: Int64] = [:]

        /// Nothing known.
        package init() {}

        /// Records that are durable and kept.
        package var recordCount: Int64 { durable - start }

        /// See `AdministrationValue`.
        package mutating func visit(_ fields: inout Fields) {
            fields.integer("partition", &number)
            fields.integer("start", &start)
            fields.integer("durable", &durable)
            fields.integer("appended", &appended)
            fields.integer("bytes", &byteCount)
            fields.figures(&figures, known: Self.engineFigures)
        }
    }

    /// Nothing known.
    package init() {}

    /// See `AdministrationValue`.
    package mutating func visit(_ fields: inout Fields) {
        fields.text("name", &name)
        fields.text("id", &id)
        fields.text("durability", &durability)
        fields.text("cleanup", &cleanup)
        fields.integer("retention_ms", &retentionMilliseconds)
        fields.integer("retention_bytes", &retentionBytes)
        fields.list("partitions", &partitions)
    }
}

/// A session as a running node describes it.
package struct SessionReport: AdministrationValue {
    /// The client identifier; bytes that are not UTF-8 are replaced.
    package var clientID = ""
    /// Whether a client has it.
    package var isConnected = false
    /// The command of `sluice` that it is of.
    package var command: String?
    /// Seconds that it outlives its connection; nil for ever.
    package var expirySeconds: Int64?
    /// When its last connection ended, in milliseconds since 1970.
    package var endedMilliseconds: Int64?
    /// Deliveries in flight.
    package var inflightCount: Int64 = 0
    /// QoS 2 messages from the client that wait for their PUBREL.
    package var unreleasedCount: Int64 = 0
    /// Records, of any topic, that it has not passed; nil when that is not known.
    package var behind: Int64?
    /// What it subscribes to.
    package var subscriptions: [Filter] = []

    /// A filter and its QoS.
    package struct Filter: AdministrationValue {
        /// The filter as the client wrote it.
        package var filter = ""
        /// The maximum QoS.
        package var qos: Int64 = 0

        /// Nothing known.
        package init() {}

        /// A filter from its parts.
        package init(_ filter: String, qos: Int64) {
            self.filter = filter
            self.qos = qos
        }

        /// See `AdministrationValue`.
        package mutating func visit(_ fields: inout Fields) {
            fields.text("filter", &filter)
            fields.integer("qos", &qos)
        }
    }

    /// Nothing known.
    package init() {}

    /// See `AdministrationValue`.
    package mutating func visit(_ fields: inout Fields) {
        fields.text("client_id", &clientID)
        fields.flag("connected", &isConnected)
        fields.text("command", &command)
        fields.integer("expiry_s", &expirySeconds)
        fields.integer("ended_ms", &endedMilliseconds)
        fields.integer("inflight", &inflightCount)
        fields.integer("unreleased", &unreleasedCount)
        fields.integer("behind", &behind)
        fields.list("subscriptions", &subscriptions)
    }
}

/// Something that a client asked for and did not get.
package struct RefusalReport: AdministrationValue {
    /// The client identifier, as text.
    package var clientID = ""
    /// Where it last asked from.
    package var address = ""
    /// What it asked for.
    package var asked = ""
    /// Why it did not get it.
    package var reason = ""
    /// How often.
    package var count: Int64 = 0
    /// When first, in milliseconds since 1970.
    package var firstMilliseconds: Int64 = 0
    /// When last, in milliseconds since 1970.
    package var lastMilliseconds: Int64 = 0

    /// Nothing known.
    package init() {}

    /// See `AdministrationValue`.
    package mutating func visit(_ fields: inout Fields) {
        fields.text("client_id", &clientID)
        fields.text("address", &address)
        fields.text("asked", &asked)
        fields.text("reason", &reason)
        fields.integer("times", &count)
        fields.integer("first_ms", &firstMilliseconds)
        fields.integer("last_ms", &lastMilliseconds)
    }
}

/// A consumer group as a running node describes it.
package struct GroupReport: AdministrationValue {
    /// Its name.
    package var name = ""
    /// What it does with records: "consumer" or "share".
    package var kind = "consumer"
    /// How often its assignment has changed.
    package var generation: Int64 = 0
    /// Who is a member.
    package var members: [Member] = []
    /// What it has committed.
    package var offsets: [Position] = []

    /// A partition by its stream and number.
    package struct Partition: AdministrationValue {
        /// The stream.
        package var stream = ""
        /// The number in it.
        package var number: Int64 = 0

        /// Nothing known.
        package init() {}

        /// A partition from its parts.
        package init(_ stream: String, _ number: Int64) {
            self.stream = stream
            self.number = number
        }

        /// See `AdministrationValue`.
        package mutating func visit(_ fields: inout Fields) {
            fields.text("stream", &stream)
            fields.integer("partition", &number)
        }
    }

    /// A member.
    package struct Member: AdministrationValue {
        /// Its name in the group.
        package var id = ""
        /// Its client identifier.
        package var clientID = ""
        /// Where it is connected from.
        package var host = ""
        /// What it has.
        package var partitions: [Partition] = []

        /// Nothing known.
        package init() {}

        /// See `AdministrationValue`.
        package mutating func visit(_ fields: inout Fields) {
            fields.text("member_id", &id)
            fields.text("client_id", &clientID)
            fields.text("host", &host)
            fields.list("partitions", &partitions)
        }
    }

    /// Where it stands in a partition.
    package struct Position: AdministrationValue {
        /// The stream.
        package var stream = ""
        /// The partition's number.
        package var partition: Int64 = 0
        /// The first record that it has not done with.
        package var committed: Int64 = 0
        /// Records behind that it is done with all the same, as groups that share records are.
        package var doneBehind: Int64 = 0
        /// When that was committed, in milliseconds since 1970.
        package var committedMilliseconds: Int64 = 0
        /// What whoever committed has noted with it.
        package var metadata = ""
        /// The offset of the oldest record kept.
        package var start: Int64 = 0
        /// The offset behind the newest durable record.
        package var end: Int64 = 0

        /// Nothing known.
        package init() {}

        /// Records that the group has not done with; what retention has taken is none of them.
        package var lag: Int64 { max(0, end - max(committed, start) - doneBehind) }

        /// See `AdministrationValue`.
        package mutating func visit(_ fields: inout Fields) {
            fields.text("stream", &stream)
            fields.integer("partition", &partition)
            fields.integer("committed", &committed)
            fields.integer("done_behind", &doneBehind)
            fields.integer("committed_ms", &committedMilliseconds)
            fields.text("metadata", &metadata)
            fields.integer("start", &start)
            fields.integer("end", &end)
        }
    }

    /// Nothing known.
    package init() {}

    /// See `AdministrationValue`.
    package mutating func visit(_ fields: inout Fields) {
        fields.text("group", &name)
        fields.text("kind", &kind)
        fields.integer("generation", &generation)
        fields.list("members", &members)
        fields.list("offsets", &offsets)
    }
}

/// A bridge as a running node describes it.
package struct BridgeReport: AdministrationValue {
    /// Its name.
    package var name = ""
    /// What it does.
    package var state = ""
    /// The kind of its last failure; nil without one.
    package var cause: String?
    /// Its last failure in words; nil without one.
    package var reason: String?
    /// The upstream address in use, or the first.
    package var address = ""
    /// Topics that the upstream refused, with its reason.
    package var refusals: [String] = []
    /// What its settings do that an operator may not expect.
    package var remarks: [String] = []
    /// Records that it has yet to look at, of any topic.
    package var lagRecords: Int64 = 0
    /// Bytes that these take, about.
    package var lagBytes: Int64 = 0
    /// The age of the oldest record that is not acknowledged, in milliseconds.
    package var lagMilliseconds: Int64 = 0
    /// Messages on their way.
    package var inflight: Int64 = 0
    /// Messages that the upstream has acknowledged.
    package var forwarded: Int64 = 0
    /// Messages that came from the upstream.
    package var received: Int64 = 0
    /// Records that retention took before they were looked at.
    package var dropped: Int64 = 0
    /// Messages that one side or the other did not take.
    package var refused: Int64 = 0
    /// Messages that had been here before.
    package var looped: Int64 = 0
    /// Messages that were sent once more.
    package var repeated: Int64 = 0
    /// Where it is in each partition.
    package var partitions: [Place] = []

    /// Where it is in a partition, and what became of the records before.
    package struct Place: AdministrationValue {
        /// The stream.
        package var stream = ""
        /// The partition's number.
        package var number: Int64 = 0
        /// The lowest offset that is not done with.
        package var position: Int64 = 0
        /// The offset behind the newest durable record.
        package var end: Int64 = 0
        /// Where it began to count.
        package var start: Int64 = 0
        /// Records that were forwarded.
        package var forwarded: Int64 = 0
        /// Records that the upstream did not take.
        package var refused: Int64 = 0
        /// Records that retention took.
        package var dropped: Int64 = 0
        /// Records of other topics.
        package var skipped: Int64 = 0
        /// Records that were sent once more.
        package var repeated: Int64 = 0

        /// Nothing known.
        package init() {}

        /// See `AdministrationValue`.
        package mutating func visit(_ fields: inout Fields) {
            fields.text("stream", &stream)
            fields.integer("partition", &number)
            fields.integer("position", &position)
            fields.integer("end", &end)
            fields.integer("start", &start)
            fields.integer("forwarded", &forwarded)
            fields.integer("refused", &refused)
            fields.integer("dropped", &dropped)
            fields.integer("skipped", &skipped)
            fields.integer("repeated", &repeated)
        }
    }

    /// Nothing known.
    package init() {}

    /// See `AdministrationValue`.
    package mutating func visit(_ fields: inout Fields) {
        fields.text("name", &name)
        fields.text("state", &state)
        fields.text("cause", &cause)
        fields.text("reason", &reason)
        fields.text("address", &address)
        fields.texts("refusals", &refusals)
        fields.texts("remarks", &remarks)
        fields.integer("lag_records", &lagRecords)
        fields.integer("lag_bytes", &lagBytes)
        fields.integer("lag_ms", &lagMilliseconds)
        fields.integer("inflight", &inflight)
        fields.integer("forwarded", &forwarded)
        fields.integer("received", &received)
        fields.integer("dropped", &dropped)
        fields.integer("refused", &refused)
        fields.integer("looped", &looped)
        fields.integer("repeated", &repeated)
        fields.list("partitions", &partitions)
    }
}

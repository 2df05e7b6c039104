import LogInterface
import MQTTWire
import SluiceCore

/// The subscribers that a topic's messages go to, on one shard.
final class MatchList {
    /// One subscriber: overlapping filters of a reader are merged, at the highest QoS [MQTT-3.3.4-2].
    struct Target {
        var reader: Reader
        var qos: QoS
        var retainAsPublished: Bool
        var noLocal: Bool
        var identifiers: [UInt32] = []
        /// From where each of its subscriptions counts that get what is durable; none when one of them counts from
        /// wherever its reader is.
        private var since: [Positions] = []
        private var hasDurable = false
        private var hasAppended = false

        /// Subscribers at QoS 0 get what is appended; others, replays and groups, what is durable.
        var visibility: Visibility { hasDurable ? .durable : .appended }

        init(_ subscription: Subscription) {
            reader = subscription.reader
            qos = subscription.options.qos
            retainAsPublished = subscription.options.retainAsPublished
            noLocal = subscription.options.noLocal
            take(subscription)
        }

        /// A subscriber of a single message that is not found by its topic.
        init(reader: Reader, qos: QoS, retainAsPublished: Bool, identifier: UInt32?) {
            self.reader = reader
            self.qos = qos
            self.retainAsPublished = retainAsPublished
            noLocal = false
            identifiers = identifier.map { [$0] } ?? []
            hasDurable = true
        }

        /// Takes another subscription of the same reader.
        mutating func merge(_ subscription: Subscription) {
            assert(subscription.reader === reader, "a target is one reader")
            let options = subscription.options
            if options.qos.rawValue > qos.rawValue { qos = options.qos }
            retainAsPublished = retainAsPublished || options.retainAsPublished
            noLocal = noLocal && options.noLocal
            take(subscription)
        }

        private mutating func take(_ subscription: Subscription) {
            if let identifier = subscription.identifier { identifiers.append(identifier) }
            switch subscription.visibility {
            case .appended: hasAppended = true
            case .durable:
                let isUnbounded = hasDurable && since.isEmpty
                hasDurable = true
                if let start = subscription.since { if !isUnbounded { since.append(start) } } else { since = [] }
            }
            assert(hasDurable || since.isEmpty, "what is appended counts from wherever its reader is")
        }

        /// Whether one of its subscriptions to what is durable counts from before `offset`.
        @inline(__always)
        func counts(_ offset: Offset, in partition: PartitionID) -> Bool {
            since.isEmpty || since.contains { offset >= $0.offset(in: partition) }
        }

        /// What it is for a record that comes at `visibility`; nil when that has it at the other.
        ///
        /// A subscription at a higher QoS than an older one of the same topics counts from when it was made: what was
        /// appended before is the older one's, at QoS 0.
        func seen(at visibility: Visibility, _ offset: Offset, in partition: PartitionID) -> Target? {
            let isDurable = hasDurable && counts(offset, in: partition)
            switch visibility {
            case .durable: return isDurable ? self : nil
            case .appended:
                guard !isDurable, hasAppended else { return nil }
                var target = self
                target.qos = .atMostOnce
                return target
            }
        }
    }

    private(set) var targets: [Target] = []
    /// Where each reader is in `targets`, once there are too many to look at one by one.
    private var indexes: [ObjectIdentifier: Int] = [:]
    private var appendedCount = 0
    private var hasAppended: Bool { appendedCount > 0 }
    private var hasDurable: Bool { appendedCount < targets.count }

    /// Subscribers from which on they are found by a table.
    private static let indexedMin = 16

    /// Adds a subscription that matches.
    /// - Complexity: amortised O(1): a topic may have every client as its subscriber.
    func add(_ subscription: Subscription) {
        if let index = index(of: subscription.reader) {
            let before = targets[index].visibility
            targets[index].merge(subscription)
            note(targets[index].visibility, before: before)
        } else {
            targets.append(Target(subscription))
            note(targets[targets.count - 1].visibility, before: .durable)
            if targets.count == Self.indexedMin {
                for (index, target) in targets.enumerated() { indexes[ObjectIdentifier(target.reader)] = index }
            } else if targets.count > Self.indexedMin {
                indexes[ObjectIdentifier(subscription.reader)] = targets.count - 1
            }
            assert(
                targets.count < Self.indexedMin || indexes.count == targets.count, "each reader is found by the table")
        }
    }

    private func index(of reader: Reader) -> Int? {
        targets.count < Self.indexedMin
            ? targets.firstIndex { $0.reader === reader } : indexes[ObjectIdentifier(reader)]
    }

    private func note(_ visibility: Visibility, before: Visibility) {
        appendedCount += (visibility == .appended ? 1 : 0) - (before == .appended ? 1 : 0)
        assert(appendedCount >= 0 && appendedCount <= targets.count)
    }

    /// The subscriber that `reader` stands for here.
    /// - Complexity: O(1) among many.
    func target(of reader: Reader) -> Target? { index(of: reader).map { targets[$0] } }

    func has(_ visibility: Visibility) -> Bool {
        switch visibility {
        case .appended: hasAppended
        case .durable: hasDurable
        }
    }
}

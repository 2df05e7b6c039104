import LogInterface
import MQTTWire
import SluiceCore

/// What a reader wants of the log: a client's subscription, a share group's, or that of a tail.
final class Subscription: Identifiable {
    /// Whose it is; nil for a share group's, and for that of a tail.
    let client: Client?
    /// The filter as the client wrote it.
    let filter: [UInt8]
    /// The filter that topics are matched with: the same, or the inner one of a replay; empty matches every topic.
    let matched: [UInt8]
    let options: SubscriptionOptions
    let identifier: UInt32?
    let reader: Reader
    /// From where it counts in each partition, when its reader would begin before: it is behind, or messages of QoS 0
    /// that were published before are not on the device yet. Nil: from where the reader is.
    var since: Positions?
    /// Whether it gets at QoS 0 what is durable all the same, since it was one of a higher QoS before.
    var staysDurable = false
    /// What of the log it is served from.
    var visibility: Visibility {
        options.qos == .atMostOnce && reader.isLiveKind && !staysDurable ? .appended : .durable
    }

    init(
        client: Client?, filter: [UInt8], matched: [UInt8], options: SubscriptionOptions, identifier: UInt32?,
        reader: Reader
    ) {
        assert(reader.client === client, "a subscription and its reader are of one client")
        assert(!matched.isEmpty || reader.isReplay, "without a filter it is a stream's whole history")
        self.client = client
        self.filter = filter
        self.matched = matched
        self.options = options
        self.identifier = identifier
        self.reader = reader
        reader.serves(self)
    }

    /// One for each reader: a replay beside an ordinary subscription of the same filter is its own.
    var id: ObjectIdentifier { ObjectIdentifier(reader) }
}

/// The names of facts in log lines. They stay: scripts read them. docs/LOGS.md says which lines have which.
package enum LogKey: String, CaseIterable, Sendable {
    /// An address and a port, or a network.
    case address
    /// Settings that apply now.
    case applied
    /// What was asked for.
    case asked
    /// The name of a bridge.
    case bridge
    /// Bytes.
    case bytes
    /// A client's identifier.
    case client
    /// What the configuration says.
    case configured
    /// How many.
    case count
    /// An MQTT topic filter.
    case filter
    /// A group of consumers.
    case group
    /// Bridges that a message has passed.
    case hops
    /// What sort of thing it is.
    case kind
    /// Lines like it that were left out before it.
    case leftOut = "left_out"
    /// What there may be at most.
    case limit
    /// A line of a file, counted from 1; 0 where there is none.
    case line
    /// A kind of listener.
    case listener
    /// Event loops.
    case loops
    /// The event of lines that were left out.
    case of
    /// An offset in a partition.
    case offset
    /// A kind of MQTT packet.
    case packet
    /// The number of a partition, in the log or in its stream.
    case partition
    /// Partitions that there are.
    case partitions
    /// A file or a directory.
    case path
    /// The number of a process.
    case process
    /// Why, in words.
    case reason
    /// Seconds.
    case seconds
    /// The name of a stream.
    case stream
    /// An MQTT topic.
    case topic
    /// The name of a transaction.
    case transaction
    /// A user, or who else a client speaks for.
    case user
    /// Settings that wait for a restart.
    case waiting
}

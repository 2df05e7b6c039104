import Testing

/// Faults that a test can plant in what surrounds the broker. The simulation must find each of them.
///
/// Each is a lie of a seam (engine, peers, recovery, link, upstream) that has the effect of a real fault: the broker
/// itself has no hook for any of them.
enum Plant: String, CaseIterable, CustomTestStringConvertible {
    /// Appends settle when they are taken, not when they are durable.
    case settlesEarly
    /// A QoS 2 message is stored without the note that it was received.
    case losesInboundID
    /// A shard is not told that a member of a share group is lost.
    case losesShareLeft
    /// The offsets of consumer groups come back one record too far.
    case groupOffsetsAhead
    /// Sessions come back one record too far.
    case sessionsAhead
    /// The tree of retained messages comes back without the newest change.
    case retainedBehind
    /// A session that is taken over comes without what was in flight.
    case losesInflight
    /// The checkpoints of bridges come back one record too far.
    case checkpointsAhead
    /// Deliveries that are made again are not marked so.
    case losesDUP
    /// A fetch passes over the first batch that it should have found.
    case fetchSkips
    /// The coordinator of a consumer group is not told that a member has let go of a partition.
    case losesGroupRelease
    /// A connection is not told that the identifier it waits for is free.
    case losesReleased
    /// What the upstream sends is acknowledged when it is read, not when it is durable.
    case acknowledgesUpstreamEarly
    /// The newest change of sessions is not brought back.
    case sessionsBehind
    /// Batches come back from a fetch in the wrong order.
    case fetchesBackwards

    var testDescription: String { rawValue }
}

/// How much may be on its way.
struct BridgeWindow {
    var limit = 0
    /// Whether positions are noted as they move, so that a crash repeats nothing that is below them.
    var isNoted = false
    /// Messages handed over and not acknowledged.
    private(set) var unacknowledged = 0
    /// Bytes of these.
    private(set) var byteCount = 0
    /// Messages handed over that are not below the position yet, acknowledged or not.
    private var unsettled = 0
    /// Messages acknowledged since the last checkpoint was made.
    private var acknowledged = 0
    /// Messages that the checkpoint on its way tells of.
    private var pending = 0

    /// Bytes on their way that hold a window closed, whatever its count: the upstream's client has a copy of each.
    static let bytesMax = 4 << 20

    /// Everything that a crash now would repeat.
    var count: Int { isNoted ? unsettled : unacknowledged + acknowledged + pending }
    var isOpen: Bool { count < limit && byteCount < Self.bytesMax }
    /// Whether acknowledgements fill an eighth of the window: rarer checkpoints would narrow it.
    var wantsCheckpoint: Bool { !isNoted && acknowledged * 8 >= limit }

    mutating func sent(_ bytes: Int) {
        assert(bytes >= 0)
        unacknowledged += 1
        unsettled += 1
        byteCount += bytes
    }

    mutating func finished(_ bytes: Int) {
        unacknowledged -= 1
        byteCount -= bytes
        acknowledged += 1
        assert(unacknowledged >= 0, "no more is acknowledged than was sent")
        assert(byteCount >= 0 && (unacknowledged > 0 || byteCount == 0), "bytes are on their way with their messages")
    }

    /// The position moved past so many messages.
    mutating func settled(_ count: Int) {
        assert(count >= 0, "a position does not go back")
        assert(unsettled >= count, "no more lies behind the position than was sent")
        unsettled -= count
    }

    mutating func checkpointed() {
        pending += acknowledged
        acknowledged = 0
    }

    /// The checkpoint on its way is durable.
    mutating func persisted() { pending = 0 }

    mutating func lost() {
        unacknowledged = 0
        unsettled = 0
        byteCount = 0
    }
}

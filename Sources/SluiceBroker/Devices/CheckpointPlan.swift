/// When what is known of devices is put on record.
///
/// A record of a device costs about as much as a message: with ten messages for each, or every two minutes, it costs
/// little; what was read since is read again after a crash.
struct CheckpointPlan {
    private static let leastMilliseconds: Int64 = 10_000
    private static let mostMilliseconds: Int64 = 120_000
    private static let messagesForEach = 10

    /// Messages since the last one.
    var messageCount = 0
    private var doneAt: Int64 = 0

    /// Whether devices are to be recorded now.
    func isDue(at time: Int64, dirtyCount: Int) -> Bool {
        let age = time - doneAt
        return dirtyCount > 0 && age >= Self.leastMilliseconds
            && (messageCount >= dirtyCount * Self.messagesForEach || age >= Self.mostMilliseconds)
    }

    /// All of them are.
    mutating func done(at time: Int64) {
        doneAt = time
        messageCount = 0
    }
}

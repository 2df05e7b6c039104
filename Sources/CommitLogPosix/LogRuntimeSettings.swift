package import CommitLog

/// How the log's threads behave.
package struct LogRuntimeSettings: Sendable {
    /// Bytes of a journal file.
    package var journalFileBytes = 64 << 20
    /// How long a commit waits for company, in nanoseconds; 0 commits at once.
    package var commitDelayNanoseconds: Int64 = 0
    /// After how many nanoseconds written groups are synchronised that nobody waits for (`durability: interval`).
    package var syncIntervalNanoseconds: Int64 = 100_000_000
    /// Bytes of the log that a section of a topic index covers: smaller ones are looked into more often, larger ones
    /// leave more to be read in sequence and take more memory to build.
    package var topicSectionBytes = 16 << 20
    /// Bounds of the log's memory.
    package var limits = LogLimits()
    /// Bounds of the log on disk.
    package var policy = LogPolicy()
    /// Bounds of housekeeping.
    package var housekeeping = HousekeepingLimits()
    /// Bytes of the disk set aside for the day on which it is full; see `SpaceReserve`.
    package var reserveBytes = 32 << 20
    /// How often retention and the rest of housekeeping look, in nanoseconds.
    package var housekeepingNanoseconds: Int64 = 10_000_000_000

    /// The defaults.
    package init() {}
}

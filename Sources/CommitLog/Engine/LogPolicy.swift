/// What bounds the log as a whole.
package struct LogPolicy: Sendable, Equatable {
    /// How many bytes of segment files all streams together keep; above it the oldest segments of any go. Nil keeps
    /// all.
    package var retentionBytesMax: Int64?
    /// How many bytes the data directory may take before publishes are refused; nil leaves it to the disk.
    package var quotaBytes: Int64?

    /// No bounds.
    package init() {}
}

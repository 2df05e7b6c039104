/// What a quota of the data directory means for what the log sets aside in it.
///
/// Without a quota the journal's files, the reserve and the segments have sizes for a server's disk. A small device
/// says one number, and each that is not written itself follows from it.
struct QuotaDefaults {
    /// Journal files that there can be at once: the one that is written, four full ones that a checkpoint takes
    /// together, and one at hand.
    static let journalFilesMax = 6
    /// What must be left for records and their indexes at least, in bytes.
    private static let recordBytesMin = 1 << 20

    /// A share of the quota: six of these, two more and the records are all of it.
    private static func share(_ quota: Int) -> Int { quota / 16 }

    /// Bytes of a journal file: a power of two, from 1 MiB to the default.
    static func journalFileBytes(_ quota: Int, default most: Int) -> Int {
        var byteCount = 1 << 20
        while byteCount * 2 <= min(share(quota), most) { byteCount *= 2 }
        return byteCount
    }

    /// Bytes of the reserve.
    static func reserveBytes(_ quota: Int, default most: Int) -> Int { min(most, share(quota)) }

    /// Bytes of a segment: small enough that retention has something to remove.
    static func segmentBytes(_ quota: Int, default most: Int) -> Int { min(most, max(1 << 20, share(quota))) }

    /// The least quota that takes records with such files.
    static func least(journalFileBytes: Int, reserveBytes: Int) -> Int {
        journalFilesMax * journalFileBytes + reserveBytes + recordBytesMin
    }
}

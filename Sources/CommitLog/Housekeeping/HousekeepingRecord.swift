import SluiceCore

/// How far housekeeping has come in a partition.
///
/// Layout of `streams/<stream>-<n>/housekeeping`: `sluice-housekeeping 1`; `compacted OFFSET`; `sealed OFFSET`;
/// `tombstones MILLISECONDS OFFSET` for each pass, oldest first; `crc32c HEX`.
/// What is rebuilt: nothing. Without the file everything is done once more, and tombstones stay as long again.
struct HousekeepingRecord: Equatable {
    /// Before this offset each key has one record only, and what comes behind.
    var compactedBefore = Offset.zero
    /// Before this offset segments have the form that they keep.
    var sealedBefore = Offset.zero
    /// When passes of the compaction ended, and up to where they had seen every tombstone then.
    private(set) var passes: [Pass] = []

    struct Pass: Equatable {
        var end: Timestamp
        var before: Offset
    }

    private static let title = "sluice-housekeeping 1"
    private static let passCountMax = 32

    init() {}

    /// Notes a pass that has seen everything before `offset`.
    mutating func note(passAt end: Timestamp, before offset: Offset) {
        compactedBefore = offset
        // A clock set back would make older passes look newer: what they have seen counts from now.
        passes.removeAll { $0.end >= end }
        passes.append(Pass(end: end, before: offset))
        // Of many passes every other one is forgotten: a tombstone then stays until a later one would let it go.
        if passes.count > Self.passCountMax {
            passes = passes.enumerated().filter { $0.offset % 2 == 1 }.map(\.element)
        }
    }

    /// Before which offset tombstones were seen long enough ago.
    func tombstonesMayGo(before time: Timestamp) -> Offset {
        passes.last { $0.end < time }?.before ?? .zero
    }

    // MARK: The file

    static func path(_ paths: SegmentPaths) -> String { "\(paths.directory)/housekeeping" }

    /// The record of a partition; an empty one when the file is missing or damaged.
    static func load(_ storage: any Storage, _ paths: SegmentPaths) -> HousekeepingRecord {
        do throws(StorageError) {
            return HousekeepingRecord(try storage.contents(path(paths), byteCountMax: 1 << 16)) ?? HousekeepingRecord()
        } catch {
            // A missing file is the normal case; for any other reason too, doing the work again is right.
            return HousekeepingRecord()
        }
    }

    func store(_ storage: any Storage, _ paths: SegmentPaths) throws(StorageError) {
        try storage.replace(Self.path(paths), with: encoded, inDirectory: paths.directory)
    }

    var encoded: [UInt8] {
        let lines = ["compacted \(compactedBefore.rawValue)", "sealed \(sealedBefore.rawValue)"]
        return ChecksummedText.encoded(
            title: Self.title, lines: lines + passes.map { "tombstones \($0.end.rawValue) \($0.before.rawValue)" })
    }

    init?(_ bytes: [UInt8]) {
        guard let lines = ChecksummedText.lines(bytes, title: Self.title) else { return nil }
        for line in lines {
            let words = line.split(separator: " ")
            let numbers = words.dropFirst().compactMap { Int64($0) }
            guard numbers.count == words.count - 1, numbers.allSatisfy({ $0 >= 0 }) else { return nil }
            switch (words.first, numbers.count) {
            case ("compacted", 1): compactedBefore = Offset(rawValue: numbers[0])
            case ("sealed", 1): sealedBefore = Offset(rawValue: numbers[0])
            case ("tombstones", 2):
                passes.append(Pass(end: Timestamp(rawValue: numbers[0]), before: Offset(rawValue: numbers[1])))
            case (_, _): return nil
            }
        }
    }
}

package import SluiceCore

/// Bytes of a file that are to be sent as they are.
package struct FileRegion: Sendable {
    /// The file; it stays open until the region is sent or dropped.
    package let file: any RegionFile
    /// Where its next byte is in the file.
    package private(set) var offset: Int64
    /// How many bytes are left.
    package private(set) var count: Int

    /// `count` bytes of `file` from `offset` on.
    package init(_ file: any RegionFile, offset: Int64, count: Int) {
        precondition(offset >= 0)
        precondition(count >= 0 && offset <= .max - Int64(count))
        self.file = file
        self.offset = offset
        self.count = count
    }

    mutating func removeFirst(_ byteCount: Int) {
        precondition(byteCount >= 0 && byteCount <= count)
        offset += Int64(byteCount)
        count -= byteCount
    }
}

/// An open file that regions of it may be sent from.
package protocol RegionSource: AnyObject, Sendable {
    /// Its descriptor, which stays open for as long as the source is there.
    var descriptor: Int32 { get }
}

/// Bytes of a file that are to be sent as they are.
package struct FileRegion: Sendable {
    /// The file; it stays open until the region is sent or dropped.
    package let source: any RegionSource
    /// Where its next byte is in the file.
    package private(set) var offset: Int64
    /// How many bytes are left.
    package private(set) var count: Int

    /// `count` bytes of `source` from `offset` on.
    package init(_ source: any RegionSource, offset: Int64, count: Int) {
        precondition(offset >= 0)
        precondition(count >= 0 && offset <= .max - Int64(count))
        self.source = source
        self.offset = offset
        self.count = count
    }

    mutating func removeFirst(_ byteCount: Int) {
        precondition(byteCount >= 0 && byteCount <= count)
        offset += Int64(byteCount)
        count -= byteCount
    }
}

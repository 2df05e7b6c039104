/// A file that regions lie in, which are sent or read as they are; it is closed when the last one is dropped.
package protocol RegionFile: AnyObject, Sendable {
    /// The descriptor to read it by, which stays open for as long as this is there.
    var descriptor: Int32 { get }
}

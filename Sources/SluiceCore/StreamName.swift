/// The names that streams may have, which are Kafka's rule for topics.
///
/// Source: Kafka's `org.apache.kafka.common.internals.Topic`.
package enum StreamName {
    /// The longest name, in bytes: a directory's name has this and the partition's number in 255.
    package static let byteCountMax = 249

    /// Whether a stream can have this name: `[a-zA-Z0-9._-]{1,249}`, and neither `.` nor `..`.
    /// - Complexity: O(n).
    package static func isValid(_ name: String) -> Bool {
        guard (1...byteCountMax).contains(name.utf8.count), name != ".", name != ".." else { return false }
        return name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
    }
}

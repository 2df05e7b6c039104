/// Why bytes are not the message that they should be, or why a value cannot be written as one.
package struct KafkaWireError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What is wrong.
    package var cause: Cause
    /// The struct and its field, such as `FetchTopic.partitions`.
    package var field: String
    /// Where: bytes from the first one that was read, or that was written.
    package var offset: Int

    /// An error of `cause` in `field`, at byte `offset`.
    package init(_ cause: Cause, field: String, at offset: Int) {
        self.cause = cause
        self.field = field
        self.offset = offset
    }

    /// What was expected, and was not found.
    package enum Cause: Equatable, Sendable {
        /// A value needs more bytes than are left.
        case truncated(needed: Int, remaining: Int)
        /// An array has more elements than fit in the bytes that are left.
        case countTooLarge(count: Int, atMost: Int)
        /// All arrays together would take more memory than the reader may use.
        case arraysTooLarge(Int, atMost: Int)
        /// A length is negative, and not the -1 of null.
        case lengthNegative(Int)
        /// Null where the version has a value.
        case nullNotAllowed
        /// A variable-length integer is wider than 32 bits.
        case varintTooLong
        /// A string is not UTF-8.
        case stringNotUTF8
        /// The byte before a struct that may be null is neither -1 nor 1.
        case presenceInvalid(Int8)
        /// Tagged fields are not in ascending order.
        case tagsNotAscending(UInt32)
        /// A tagged field says it is longer than what was read of it.
        case tagTooLong(Int)
        /// Bytes are left behind the last field.
        case bytesLeftOver(Int)
        /// The message has no such version.
        case versionUnknown(Int16)
        /// A value other than its default, in a version without the field.
        case notInVersion(Int16)
        /// A string, array or byte string is too long for its length.
        case tooLong(Int)
        /// Records that lie in another frame cannot be written.
        case recordsElsewhere
    }

    /// One line for the log.
    package var description: String { "\(field) at byte \(offset): \(cause.summary)" }
}

extension KafkaWireError.Cause {
    /// The cause in words.
    package var summary: String {
        switch self {
        case .truncated(let needed, let remaining): "\(needed) bytes expected, \(remaining) left"
        case .countTooLarge(let count, let most): "\(count) elements announced, at most \(most) fit"
        case .arraysTooLarge(let bytes, let most): "arrays of \(bytes) bytes in memory, at most \(most) are allowed"
        case .lengthNegative(let length): "negative length \(length)"
        case .nullNotAllowed: "null, where the version has a value"
        case .varintTooLong: "variable-length integer of more than 32 bits"
        case .stringNotUTF8: "string is not UTF-8"
        case .presenceInvalid(let byte): "\(byte) before a struct, expected 1 or -1"
        case .tagsNotAscending(let tag): "tagged field \(tag) after one that is not lower"
        case .tagTooLong(let count): "\(count) bytes left over in a tagged field"
        case .bytesLeftOver(let count): "\(count) bytes left over"
        case .versionUnknown(let version): "no version \(version)"
        case .notInVersion(let version): "a value that version \(version) cannot carry"
        case .tooLong(let count): "a length of \(count) does not fit"
        case .recordsElsewhere: "records of another frame cannot be written"
        }
    }
}

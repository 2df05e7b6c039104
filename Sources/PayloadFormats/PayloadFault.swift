/// What is wrong with a payload: the first thing that was found.
package struct PayloadFault: Error, Equatable, Sendable {
    /// What it is.
    package let reason: Reason
    /// The field that it is about, by its place in the schema; nil when it is about the payload as a whole.
    package let field: Int?
    /// The index in the payload at which it is; for a field that is missing, where the innermost object begins that
    /// should have it.
    package let offset: Int

    init(_ reason: Reason, field: Int? = nil, at offset: Int) {
        self.reason = reason
        self.field = field
        self.offset = offset
    }

    /// What can be wrong. The texts are written to dead letters and asked for by users: they stay what they are.
    package enum Reason: String, Sendable, CaseIterable {
        /// Longer than payloads that are read may be.
        case tooLong = "too-long"
        /// Text that is not UTF-8.
        case notUTF8 = "not-utf8"
        /// Not JSON.
        case notJSON = "not-json"
        /// Not CBOR, or not well-formed.
        case notCBOR = "not-cbor"
        /// Not a Sparkplug payload, or not well-formed.
        case notSparkplug = "not-sparkplug"
        /// Not a number.
        case notNumber = "not-number"
        /// Quotes that do not end, or with something behind them.
        case badQuotes = "bad-quotes"
        /// The payload ends in the middle, or is empty.
        case truncated = "truncated"
        /// Something follows where the payload should end.
        case trailingBytes = "trailing-bytes"
        /// Nested deeper than is read.
        case tooDeep = "too-deep"
        /// A name of the schema comes twice in its object.
        case duplicateKey = "duplicate-key"
        /// A field is missing, or null, that has to be there.
        case missingField = "missing-field"
        /// A field is something else than it has to be.
        case wrongType = "wrong-type"
        /// A number lies outside the field's range, or a moment outside what clocks can say.
        case outOfRange = "out-of-range"
        /// A value is not one of those that the field may have.
        case notInEnumeration = "not-in-enumeration"
        /// A number that fits neither 64 bits nor a finite number in floating point.
        case numberTooLarge = "number-too-large"
        /// A metric is given by an alias that no birth has named.
        case unknownAlias = "unknown-alias"
    }
}

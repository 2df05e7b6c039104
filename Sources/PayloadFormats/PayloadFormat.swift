/// What kind of payload a device sends.
package enum PayloadFormat: String, Sendable, CaseIterable {
    /// A JSON document (RFC 8259). Fields are found by paths.
    case json
    /// One decimal number as text, such as `21.5`, with white space around it or not. One field.
    case number
    /// Text in UTF-8. At most one field.
    case text
    /// Any bytes. No fields.
    case raw
    /// One CBOR data item (RFC 8949). Fields are found by paths.
    case cbor
    /// A Sparkplug B payload. Fields are metrics, by name.
    case sparkplug = "sparkplug-b"
    /// One line of columns with a separator. Fields are columns, by number from 1.
    case delimited
}

/// How a payload of columns is read.
package struct Delimiters: Equatable, Sendable {
    /// The byte between columns.
    package let separator: UInt8
    /// The byte around columns that contain the separator, doubled where it is meant itself; nil when there are no
    /// quotes.
    package let quote: UInt8?

    /// Delimiters from their parts; by default a comma, and no quotes.
    package init(separator: UInt8 = UInt8(ascii: ","), quote: UInt8? = nil) {
        self.separator = separator
        self.quote = quote
    }
}

package import SluiceCore

/// One property: what it is and its value.
package struct Property: Equatable, Sendable, BitwiseCopyable {
    /// What the property is.
    package var id: PropertyID
    /// Its value.
    package var value: Value

    /// The value in the form that `id.form` names.
    package enum Value: Equatable, Sendable, BitwiseCopyable {
        /// An integer of any of the four integer forms.
        case integer(UInt32)
        /// UTF-8 or binary data.
        case bytes(ByteRange)
        /// A name and its value.
        case pair(name: ByteRange, value: ByteRange)
    }

    /// The value as an integer, nil for the other forms.
    package var integer: UInt32? {
        switch value {
        case .integer(let value): value
        case .bytes, .pair: nil
        }
    }

    /// The value as a string's or binary data's bytes, nil for the other forms.
    package var bytes: ByteRange? {
        switch value {
        case .bytes(let range): range
        case .integer, .pair: nil
        }
    }
}

/// Walks the properties of a decoded packet, in their order.
package struct PropertyReader: ~Escapable {
    private var reader: ByteReader

    /// A reader of the properties at `range` of the span that was decoded.
    @_lifetime(copy bytes)
    package init(_ bytes: Span<UInt8>, _ range: ByteRange) {
        let indices = range.indices
        reader = ByteReader(bytes, base: indices.lowerBound, position: indices.lowerBound, end: indices.upperBound)
    }

    /// The next property, or nil after the last one. The bytes must have passed the decoder.
    package mutating func next() -> Property? {
        guard reader.remaining > 0 else { return nil }
        do {
            return try reader.readProperty()
        } catch {
            preconditionFailure("Cannot read properties that the decoder did not check")
        }
    }
}

extension ByteReader {
    /// Reads one property and checks its form.
    mutating func readProperty() throws(MQTTDecodeError) -> Property {
        let start = position
        // Identifiers are variable byte integers, and all that exist have one byte.
        let identifier = try readVariableInteger()
        guard let raw = UInt8(exactly: identifier), let id = PropertyID(rawValue: raw) else {
            throw error(.propertyUnknown, at: start)
        }
        switch id.form {
        case .byte: return Property(id: id, value: .integer(UInt32(try readUInt8())))
        case .twoByteInteger: return Property(id: id, value: .integer(UInt32(try readUInt16())))
        case .fourByteInteger: return Property(id: id, value: .integer(try readUInt32()))
        case .variableByteInteger: return Property(id: id, value: .integer(UInt32(try readVariableInteger())))
        case .string: return Property(id: id, value: .bytes(try readString()))
        case .binary: return Property(id: id, value: .bytes(try readBinary()))
        case .stringPair:
            let name = try readString()
            return Property(id: id, value: .pair(name: name, value: try readString()))
        }
    }

    /// Reads a property length and checks every property behind it against the table for `place`.
    ///
    /// - Returns: the properties without their length, and the topic alias among them (0 for none).
    /// - Complexity: O(bytes), no allocation.
    @inline(__always)
    mutating func readProperties(
        at place: PropertyPlaces, userPropertiesMax: Int
    ) throws(MQTTDecodeError) -> (range: ByteRange, topicAlias: UInt16) {
        // Most packets have no properties, and then their length is one byte of 0.
        guard remaining == 0 || bytes[position] != 0 else {
            position += 1
            return (ByteRange(start: position, byteCount: 0), 0)
        }
        return try readSomeProperties(at: place, userPropertiesMax: userPropertiesMax)
    }

    @inline(never)
    private mutating func readSomeProperties(
        at place: PropertyPlaces, userPropertiesMax: Int
    ) throws(MQTTDecodeError) -> (range: ByteRange, topicAlias: UInt16) {
        let byteCount = try readVariableInteger()
        let range = try readBytes(byteCount)
        var inner = ByteReader(
            bytes, base: base, position: range.indices.lowerBound, end: position, takesControls: takesControls)
        var seen: UInt64 = 0
        var userPropertyCount = 0
        var topicAlias: UInt16 = 0
        while inner.remaining > 0 {
            let start = inner.position
            let property = try inner.readProperty()
            try inner.check(property, at: place, seen: seen, start: start)
            seen |= 1 << UInt64(property.id.rawValue)
            switch (property.id, property.value) {
            case (.userProperty, _):
                userPropertyCount += 1
                guard userPropertyCount <= userPropertiesMax else {
                    throw inner.error(.userPropertiesTooMany, at: start)
                }
            case (.topicAlias, .integer(let alias)): topicAlias = UInt16(truncatingIfNeeded: alias)
            case (_, .integer), (_, .bytes), (_, .pair): continue
            }
        }
        let hasMethod = seen & (1 << UInt64(PropertyID.authenticationMethod.rawValue)) != 0
        let hasData = seen & (1 << UInt64(PropertyID.authenticationData.rawValue)) != 0
        // AUTH must name its method, and data needs one anywhere.
        guard hasMethod || !hasData && place != .auth else {
            throw inner.error(.authenticationMethodMissing, at: range.indices.lowerBound)
        }
        return (range, topicAlias)
    }

    private func check(
        _ property: Property, at place: PropertyPlaces, seen: UInt64, start: Int
    ) throws(MQTTDecodeError) {
        let id = property.id
        guard id.places.contains(place) else {
            let isFromClient = id == .subscriptionIdentifier && place == .publishToServer
            throw error(isFromClient ? .subscriptionIdentifierFromClient : .propertyMisplaced, at: start)
        }
        guard id.isRepeatable(at: place) || seen & (1 << UInt64(id.rawValue)) == 0 else {
            throw error(.propertyRepeated, at: start)
        }
        switch property.value {
        case .integer(let value):
            guard id.isAllowed(value) else {
                throw error(id == .topicAlias ? .topicAliasZero : .propertyValueInvalid, at: start)
            }
        case .bytes(let range):
            guard id == .responseTopic else { return }
            for index in range.indices where bytes[index] == UInt8(ascii: "+") || bytes[index] == UInt8(ascii: "#") {
                throw error(.responseTopicHasWildcard, at: index)
            }
        case .pair: return
        }
    }
}

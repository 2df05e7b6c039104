/// What a client says with SASL's mechanism PLAIN: a name and a password.
///
/// Source: RFC 4616 §2.
package struct PlainMessage: Sendable, Equatable {
    /// The user name.
    package let user: String
    /// The password.
    package let password: [UInt8]

    /// Why a message is none.
    package enum Failure: Error, Sendable, Equatable {
        /// Not three parts with a null character between each two, or a part that is no UTF-8.
        case malformed
        /// No user name.
        case emptyUser
        /// No password.
        case emptyPassword
        /// The client would speak for another user, which Kafka refuses as well.
        case otherAuthorization
    }

    /// Longer messages are none: the parts are at most 255 characters each for RFC 4616, and tokens are longer.
    package static let bytesMax = 64 << 10

    /// The message in `bytes`.
    package init(_ bytes: [UInt8]) throws(Failure) {
        let parts = bytes.split(separator: 0, maxSplits: 3, omittingEmptySubsequences: false)
        guard bytes.count <= Self.bytesMax, parts.count == 3,
            let authorization = String(validating: parts[0], as: UTF8.self),
            let user = String(validating: parts[1], as: UTF8.self),
            String(validating: parts[2], as: UTF8.self) != nil
        else { throw .malformed }
        if user.isEmpty { throw .emptyUser }
        if parts[2].isEmpty { throw .emptyPassword }
        // Byte for byte: texts that look alike are not the same name.
        guard authorization.isEmpty || parts[0] == parts[1] else { throw .otherAuthorization }
        self.user = user
        password = Array(parts[2])
    }
}

extension PlainMessage: CustomStringConvertible {
    /// The user: what may be logged of it.
    package var description: String { "user \(user)" }
}

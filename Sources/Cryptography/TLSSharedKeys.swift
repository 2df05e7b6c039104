import COpenSSL

/// The pre-shared keys of a listener: a client names an identity, and proves that it has its key.
///
/// Isolation: any thread.
/// Source: RFC 4279, RFC 8446 §2.2.
@safe package final class TLSSharedKeys: Sendable {
    /// What clients are told before they choose an identity, in TLS 1.2; nil for nothing.
    package let hint: String?
    private let lookUp: @Sendable (_ identity: [UInt8]) -> [UInt8]?

    /// Keys.
    /// - Parameters:
    ///   - hint: up to 128 bytes.
    ///   - lookUp: the key of an identity, 1 to 256 bytes; nil for one that is unknown. It is asked on a loop's thread,
    ///     within a handshake, and only looks into memory.
    package init(hint: String? = nil, lookUp: @escaping @Sendable (_ identity: [UInt8]) -> [UInt8]?) {
        precondition((hint?.utf8.count ?? 0) <= 128, "Cannot send so long a hint")
        self.hint = hint
        self.lookUp = lookUp
    }

    /// OpenSSL asks for a key. The identity ends at its first zero byte, here as where it is reported.
    static let giveKey:
        @convention(c) (OpaquePointer?, UnsafePointer<CChar>?, UnsafeMutablePointer<UInt8>?, UInt32) -> UInt32 = {
            connection, identity, key, keyBytesMax in
            guard let connection = unsafe connection, let identity = unsafe identity, let key = unsafe key,
                let data = unsafe sluice_ssl_context_data(SSL_get_SSL_CTX(connection))
            else { return 0 }
            let keys = unsafe Unmanaged<TLSSharedKeys>.fromOpaque(data).takeUnretainedValue()
            let name = unsafe String(cString: identity).utf8
            // A text that is no UTF-8 is none of ours.
            let bytes = Array(name)
            guard unsafe isSame(bytes, identity), let found = keys.lookUp(bytes), !found.isEmpty,
                found.count <= keyBytesMax
            else { return 0 }
            for (index, byte) in found.enumerated() { unsafe key[index] = byte }
            let exchange = unsafe TLSExchange.current(SSL_get_rbio(connection))
            unsafe exchange.pointee.keyIdentity = bytes
            return UInt32(found.count)
        }

    private static func isSame(_ bytes: [UInt8], _ text: UnsafePointer<CChar>) -> Bool {
        for (index, byte) in bytes.enumerated() where unsafe UInt8(bitPattern: text[index]) != byte { return false }
        return unsafe text[bytes.count] == 0
    }
}

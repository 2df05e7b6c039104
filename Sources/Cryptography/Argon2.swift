private import CArgon2

/// Argon2id, version 1.3, by the reference library: OpenSSL has it from 3.2 on.
///
/// Source: RFC 9106.
package enum Argon2 {
    /// The hash of a password.
    /// - Parameters:
    ///   - memoryKibibytes: memory to fill, in KiB.
    ///   - iterations: passes over it.
    ///   - lanes: what could be computed at once; one thread computes them all.
    /// - Returns: nil when the library refuses the parameters, or there is not so much memory.
    /// - Complexity: O(memory, times iterations).
    package static func id(
        password: [UInt8], salt: [UInt8], memoryKibibytes: Int, iterations: Int, lanes: Int, byteCount: Int
    ) -> [UInt8]? {
        var (password, salt) = (password, salt)
        var hash = [UInt8](repeating: 0, count: byteCount)
        let status = unsafe password.withUnsafeMutableBufferPointer { password in
            unsafe salt.withUnsafeMutableBufferPointer { salt in
                unsafe hash.withUnsafeMutableBufferPointer { hash in
                    var context = unsafe argon2_context(
                        out: hash.baseAddress, outlen: UInt32(hash.count), pwd: password.baseAddress,
                        pwdlen: UInt32(password.count), salt: salt.baseAddress, saltlen: UInt32(salt.count),
                        secret: nil, secretlen: 0, ad: nil, adlen: 0, t_cost: UInt32(clamping: iterations),
                        m_cost: UInt32(clamping: memoryKibibytes), lanes: UInt32(clamping: lanes), threads: 1,
                        version: ARGON2_VERSION_13.rawValue, allocate_cbk: nil, free_cbk: nil,
                        flags: 0)
                    return unsafe argon2_ctx(&context, Argon2_id)
                }
            }
        }
        return status == ARGON2_OK.rawValue ? hash : nil
    }
}

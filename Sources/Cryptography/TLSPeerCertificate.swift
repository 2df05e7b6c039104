import COpenSSL

/// Whom a certificate is of, as far as identity goes.
package struct TLSPeerCertificate: Equatable, Sendable {
    /// What one of the names beside the subject is (RFC 5280 §4.2.1.6).
    package enum NameKind: Sendable {
        /// A host's name.
        case dns
        /// An electronic mail address.
        case email
        /// A URI.
        case uri
        /// An address; IPv6 as RFC 5952 has it.
        case address
    }

    /// One of the names beside the subject.
    package struct Name: Equatable, Sendable {
        /// What it is.
        package let kind: NameKind
        /// It, in words.
        package let text: String
    }

    /// The subject on one line, as `CN = dev42, O = plant`; at most 256 bytes of it.
    package let subject: String
    /// The whole subject as RFC 2253 writes it, as `CN=dev42,O=plant`: mosquitto's `use_subject_as_username`. Nil when
    /// it holds a zero byte.
    package let distinguishedName: String?
    /// The last common name of the subject; nil without one, and when it holds a zero byte or is no UTF-8.
    package let commonName: String?
    /// The names beside the subject, in their order. Others than those of `NameKind` are left out, as are those with
    /// a zero byte: to a program in C it would end there, and be another name.
    package let names: [Name]

    /// - Parameter certificate: stays the caller's.
    init(_ certificate: OpaquePointer) {
        subject = unsafe PEM.subject(of: certificate)
        distinguishedName = unsafe PEM.distinguishedName(of: certificate)
        commonName = unsafe Self.commonName(of: certificate)
        names = unsafe Self.names(of: certificate)
    }

    private static func commonName(of certificate: OpaquePointer) -> String? {
        let subject = unsafe X509_get_subject_name(certificate)
        var last: Int32 = -1
        while true {
            let next = unsafe X509_NAME_get_index_by_NID(subject, NID_commonName, last)
            if next < 0 { break }
            last = next
        }
        guard last >= 0 else { return nil }
        let value = unsafe X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, last))
        var encoded: UnsafeMutablePointer<UInt8>?
        let count = unsafe ASN1_STRING_to_UTF8(&encoded, value)
        guard count >= 0, let bytes = unsafe encoded else {
            ERR_clear_error()
            return nil
        }
        defer { unsafe sluice_openssl_free(bytes) }
        return unsafe text(bytes, count)
    }

    private static func names(of certificate: OpaquePointer) -> [Name] {
        guard let list = unsafe sluice_alternative_names(certificate) else {
            ERR_clear_error()
            return []
        }
        defer { unsafe sluice_alternative_names_free(list) }
        var names: [Name] = []
        for index in 0..<(unsafe sluice_alternative_name_count(list)) {
            var start: UnsafePointer<UInt8>?
            var count: Int32 = 0
            let kind = unsafe sluice_alternative_name(list, index, &start, &count)
            guard kind >= 0, let bytes = unsafe start else { continue }
            let name: (kind: NameKind, text: String?) =
                switch kind {
                case GEN_DNS: (.dns, unsafe text(bytes, count))
                case GEN_EMAIL: (.email, unsafe text(bytes, count))
                case GEN_URI: (.uri, unsafe text(bytes, count))
                case _: (.address, unsafe address(Array(UnsafeBufferPointer(start: bytes, count: Int(count)))))
                }
            if let text = name.text { names.append(Name(kind: name.kind, text: text)) }
        }
        return names
    }

    private static func text(_ bytes: UnsafePointer<UInt8>, _ count: Int32) -> String? {
        let bytes = unsafe Array(UnsafeBufferPointer(start: bytes, count: Int(count)))
        guard !bytes.contains(0), !bytes.isEmpty else { return nil }
        return String(validating: bytes, as: UTF8.self)
    }

    /// Four bytes or sixteen in the usual notation; nil for any other number.
    static func address(_ bytes: [UInt8]) -> String? {
        switch bytes.count {
        case 4: return bytes.map { String($0) }.joined(separator: ".")
        case 16: break
        case _: return nil
        }
        let groups = stride(from: 0, to: 16, by: 2).map { UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]) }
        func hexadecimal(_ groups: ArraySlice<UInt16>) -> String {
            groups.map { String($0, radix: 16) }.joined(separator: ":")
        }
        // The first of the longest runs of zeros, of two at least (RFC 5952 §4.2).
        var run = 0..<0
        var start = 0
        while start < 8 {
            var end = start
            while end < 8, groups[end] == 0 { end += 1 }
            if end - start > max(1, run.count) { run = start..<end }
            start = max(end, start + 1)
        }
        guard !run.isEmpty else { return hexadecimal(groups[...]) }
        return hexadecimal(groups[..<run.lowerBound]) + "::" + hexadecimal(groups[run.upperBound...])
    }
}

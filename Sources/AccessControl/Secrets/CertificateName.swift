package import Speaking

/// What of a client's certificate is its user name.
package enum CertificateName: String, Sendable, CaseIterable {
    /// The last common name of the subject: mosquitto's `use_identity_as_username`, which takes the first of several.
    case commonName = "cn"
    /// The whole subject as RFC 2253 writes it: mosquitto's `use_subject_as_username`.
    case subject
    /// The first host name beside the subject.
    case dns
    /// The first mail address beside the subject.
    case email
    /// The first URI beside the subject, as SPIFFE has it.
    case uri

    /// The user name; nil when the certificate has none of this kind, and then its owner is nobody.
    package func name(of certificate: PeerCertificate) -> String? {
        let name =
            switch self {
            case .commonName: certificate.commonName
            case .subject: certificate.distinguishedName
            case .dns:
                certificate.alternativeNames.lazy.compactMap { name -> String? in
                    if case .dns(let text) = name { text } else { nil }
                }.first
            case .email:
                certificate.alternativeNames.lazy.compactMap { name -> String? in
                    if case .email(let text) = name { text } else { nil }
                }.first
            case .uri:
                certificate.alternativeNames.lazy.compactMap { name -> String? in
                    if case .uri(let text) = name { text } else { nil }
                }.first
            }
        return name.flatMap { $0.isEmpty ? nil : $0 }
    }
}

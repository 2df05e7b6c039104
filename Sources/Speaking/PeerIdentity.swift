/// A protocol that may be spoken on a connection, below it TLS and WebSocket or not; each has its name where its
/// speaker is made.
package struct Conversation: RawRepresentable, Hashable, Sendable {
    /// Its name.
    package let rawValue: String

    /// A protocol of this name.
    package init(rawValue: String) { self.rawValue = rawValue }
}

/// A place where connections come in.
package final class ListenerIdentity: Sendable {
    /// What it is called in log lines and the configuration.
    package let name: String
    /// What is spoken there, which chooses the speaker.
    package let conversation: Conversation

    /// A listener from its parts.
    package init(name: String, conversation: Conversation) {
        self.name = name
        self.conversation = conversation
    }
}

/// What TLS has proved of a peer: its certificate, which an authority of the listener vouches for.
package final class PeerCertificate: Sendable {
    /// One of the names that stand beside the subject (RFC 5280 §4.2.1.6).
    package enum AlternativeName: Sendable, Equatable {
        /// A host's name.
        case dns(String)
        /// An electronic mail address.
        case email(String)
        /// A URI, as SPIFFE has them.
        case uri(String)
        /// An address, in the usual notation.
        case address(String)
    }

    /// The subject on one line, as `CN = dev42, O = plant`.
    package let subject: String
    /// The whole subject as RFC 2253 writes it, as `CN=dev42,O=plant`; nil when it holds a zero byte.
    package let distinguishedName: String?
    /// The last common name of the subject; nil without one, or with one that holds a zero byte.
    package let commonName: String?
    /// The other names, in the certificate's order; those of other kinds, or with a zero byte, are left out.
    package let alternativeNames: [AlternativeName]

    /// A certificate from its parts.
    package init(
        subject: String, distinguishedName: String? = nil, commonName: String?, alternativeNames: [AlternativeName]
    ) {
        self.subject = subject
        self.distinguishedName = distinguishedName
        self.commonName = commonName
        self.alternativeNames = alternativeNames
    }
}

/// Who is on the other side of a connection, as the transport knows it.
package struct PeerIdentity: Sendable {
    /// Its address, as `host:port`.
    package let address: String
    /// The listener that it came to.
    package let listener: ListenerIdentity
    /// What it has proved by TLS; nil when it was asked for nothing, or had nothing.
    package let certificate: PeerCertificate?
    /// The identity of the pre-shared key that it has proved to have; nil without one.
    package let keyIdentity: String?

    /// An identity from its parts.
    package init(
        address: String, listener: ListenerIdentity, certificate: PeerCertificate? = nil, keyIdentity: String? = nil
    ) {
        self.address = address
        self.listener = listener
        self.certificate = certificate
        self.keyIdentity = keyIdentity
    }
}

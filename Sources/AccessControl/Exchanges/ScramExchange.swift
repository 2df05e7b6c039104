import Administration

/// What comes of a step of an exchange.
package enum ScramStep: Equatable, Sendable {
    /// The client must answer this.
    case challenge([UInt8])
    /// The client is the user; it gets the server's own proof with the good news.
    case accepted(user: String, [UInt8])
    /// It is not. The message is for protocols that deliver one: SCRAM's `e=`.
    case rejected(ScramRefusal, [UInt8])
}

/// Why an exchange has failed.
package enum ScramRefusal: String, Error, Sendable {
    /// The message is none of SCRAM, or is out of all bounds.
    case invalidEncoding = "invalid-encoding"
    /// A user name that is no UTF-8, empty, or badly escaped.
    case invalidUserName = "invalid-username-encoding"
    /// The client demands an extension that is not known (`m=`).
    case extensionsNotSupported = "extensions-not-supported"
    /// The client demands channel binding, which was not offered.
    case channelBindingNotSupported = "channel-binding-not-supported"
    /// What the client says at the end of channel binding is not what it said at the beginning: somebody between has
    /// changed it.
    case channelBindingsDoNotMatch = "channel-bindings-dont-match"
    /// It would speak for another user.
    case otherAuthorization = "other-error"
    /// The proof is not that of the user's password, or there is no such user.
    case invalidProof = "invalid-proof"
}

/// The server's side of SCRAM without channel binding: client first, server first, client final, server final.
///
/// Isolation: a value; its connection's.
/// Source: RFC 5802 §5, §7; RFC 7677.
package struct ScramExchange: Sendable {
    /// Finds what is kept of a user's password; nil for one that is unknown.
    package typealias LookUp = @Sendable (_ user: [UInt8], _ mechanism: ScramMechanism) -> ScramCredential?

    private enum State {
        /// *Nothing was said.* `received` => `challenged`, or `ended`.
        case new
        /// *The client has been asked for its proof.* `received` => `ended`.
        case challenged(Challenge)
        /// *It is over.*
        case ended
    }

    private struct Challenge {
        var user: [UInt8]
        var header: [UInt8]
        var firstBare: [UInt8]
        var serverFirst: [UInt8]
        var nonce: [UInt8]
        var credential: ScramCredential
        var isKnown: Bool
    }

    /// No message of a client is longer: a name of 255 characters, nonces, a proof and some extensions fit.
    package static let messageBytesMax = 4096
    private static let nonceBytesMax = 256

    private let mechanism: ScramMechanism
    private let hashing: any SecretHashing
    private let lookUp: LookUp
    private let decoy: ScramDecoy
    private let serverNonce: [UInt8]
    private var state = State.new

    /// An exchange that is about to begin.
    /// - Parameters:
    ///   - decoy: what unknown users seem to have.
    ///   - serverNonce: printable and fresh; made of random bytes unless a test says otherwise.
    package init(
        _ mechanism: ScramMechanism, _ hashing: any SecretHashing, decoy: ScramDecoy, serverNonce: [UInt8]? = nil,
        lookUp: @escaping LookUp
    ) {
        self.mechanism = mechanism
        self.hashing = hashing
        self.decoy = decoy
        self.lookUp = lookUp
        self.serverNonce = serverNonce ?? Array(Base64.text(hashing.randomBytes(18)).utf8)
    }

    /// Takes what the client has sent.
    /// - Complexity: a few digests, however many iterations there are; a loop may wait for it.
    package mutating func received(_ message: [UInt8]) -> ScramStep {
        do throws(ScramRefusal) {
            if message.count > Self.messageBytesMax { throw .invalidEncoding }
            switch state {
            case .new:
                let challenge = try begin(message)
                state = .challenged(challenge)
                return .challenge(challenge.serverFirst)
            case .challenged(let challenge):
                state = .ended
                return try finish(message, challenge)
            case .ended: throw .invalidEncoding
            }
        } catch {
            state = .ended
            return .rejected(error, Array("e=\(error.rawValue)".utf8))
        }
    }

    // MARK: Client first

    private func begin(_ message: [UInt8]) throws(ScramRefusal) -> Challenge {
        // n,[a=NAME],n=NAME,r=NONCE[,extensions]
        let parts = message.split(
            separator: Self.comma, maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3 else { throw .invalidEncoding }
        switch parts[0] {
        case [UInt8(ascii: "n")]: break
        // The client could bind channels and was told that we do not, which is so.
        case [UInt8(ascii: "y")]: break
        case let flag where flag.starts(with: "p=".utf8): throw .channelBindingNotSupported
        default: throw .invalidEncoding
        }
        let fields = parts[2].split(separator: Self.comma, omittingEmptySubsequences: false)
        guard let first = fields.first else { throw .invalidEncoding }
        if first.starts(with: "m=".utf8) { throw .extensionsNotSupported }
        let user = try Self.name(try Self.value("n", first))
        if !parts[1].isEmpty {
            guard try Self.name(try Self.value("a", parts[1])) == user else { throw .otherAuthorization }
        }
        guard fields.count >= 2 else { throw .invalidEncoding }
        let nonce = try Self.value("r", fields[1])
        guard (1...Self.nonceBytesMax).contains(nonce.count), nonce.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw .invalidEncoding
        }
        let known = lookUp(user, mechanism)
        let credential = known ?? decoy.credential(of: user, mechanism, hashing)
        let fullNonce = nonce + serverNonce
        let serverFirst =
            Array("r=".utf8) + fullNonce
            + Array(",s=\(Base64.text(credential.salt)),i=\(credential.iterations)".utf8)
        return Challenge(
            user: user, header: Array(message[..<parts[2].startIndex]), firstBare: Array(parts[2]),
            serverFirst: serverFirst, nonce: fullNonce, credential: credential, isKnown: known != nil)
    }

    // MARK: Client final

    private func finish(_ message: [UInt8], _ challenge: Challenge) throws(ScramRefusal) -> ScramStep {
        // c=HEADER,r=NONCE[,extensions],p=PROOF
        guard let proofStart = message.lastIndex(of: Self.comma) else { throw .invalidEncoding }
        let withoutProof = message[..<proofStart]
        let fields = withoutProof.split(separator: Self.comma, omittingEmptySubsequences: false)
        guard fields.count >= 2, let header = Base64.bytes(try Self.value("c", fields[0])),
            let proof = Base64.bytes(try Self.value("p", message[(proofStart + 1)...]))
        else { throw .invalidEncoding }
        guard header == challenge.header else { throw .channelBindingsDoNotMatch }
        let nonce = try Self.value("r", fields[1])
        // librdkafka before 2.8 puts its own part in front once more, and Kafka looks at the end only. What is fresh is
        // there, and all of it is signed.
        guard hashing.areEqual(Array(nonce.suffix(challenge.nonce.count)), challenge.nonce) else {
            throw .invalidProof
        }

        let comma = [Self.comma]
        let signed = challenge.firstBare + comma + challenge.serverFirst + comma + withoutProof
        let (hash, credential) = (mechanism.hash, challenge.credential)
        guard proof.count == hash.byteCount else { throw .invalidProof }
        let signature = hashing.authenticationCode(hash, key: credential.storedKey, signed)
        let clientKey = zip(proof, signature).map { $0 ^ $1 }
        let isProved = hashing.areEqual(hashing.digest(hash, clientKey), credential.storedKey)
        guard isProved, challenge.isKnown, let user = String(validating: challenge.user, as: UTF8.self) else {
            throw .invalidProof
        }
        let proofOfServer = hashing.authenticationCode(hash, key: credential.serverKey, signed)
        return .accepted(user: user, Array("v=\(Base64.text(proofOfServer))".utf8))
    }

    // MARK: Leaves

    private static let comma = UInt8(ascii: ",")

    /// What stands behind `NAME=`.
    private static func value(_ name: String, _ field: ArraySlice<UInt8>) throws(ScramRefusal) -> [UInt8] {
        guard field.starts(with: "\(name)=".utf8) else { throw .invalidEncoding }
        return Array(field.dropFirst(2))
    }

    /// A name without its escapes: `=2C` is a comma and `=3D` an equals sign.
    private static func name(_ escaped: [UInt8]) throws(ScramRefusal) -> [UInt8] {
        var name: [UInt8] = []
        var rest = escaped[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "=") else {
                name.append(byte)
                continue
            }
            switch rest.prefix(2) {
            case let code where code.elementsEqual("2C".utf8): name.append(comma)
            case let code where code.elementsEqual("3D".utf8): name.append(UInt8(ascii: "="))
            default: throw .invalidUserName
            }
            rest = rest.dropFirst(2)
        }
        guard !name.isEmpty, !name.contains(0), String(validating: name, as: UTF8.self) != nil else {
            throw .invalidUserName
        }
        return name
    }
}

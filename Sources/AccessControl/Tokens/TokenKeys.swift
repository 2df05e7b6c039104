import Administration

/// The keys whose tokens are taken.
///
/// Isolation: any thread; never changes.
package struct TokenKeys: Sendable {
    struct Entry {
        /// What tokens call it; nil when nothing is said.
        let identifier: String?
        let key: any SignatureKey
    }

    let entries: [Entry]

    /// A shorter secret can be guessed from one token. Source: RFC 7518 §3.2.
    package static let secretBytesMin = 32
    /// More keys would let a token without a key's name cost too much.
    package static let countMax = 32

    /// Reads a key file: a JSON Web Key Set, a public key or certificate in PEM, or a secret as it is.
    /// - Parameters:
    ///   - text: the file's bytes; a line feed at the end of a secret does not count.
    ///   - hashing: computes with secrets.
    ///   - making: makes public keys.
    /// - Throws: what is wrong, in words that follow the file's name, and never the secret.
    package static func read(
        _ text: [UInt8], _ hashing: any SecretHashing, _ making: any SignatureKeyMaking
    ) throws(SignatureKeyFault) -> TokenKeys {
        let words = String(decoding: text, as: UTF8.self)
        if words.contains("-----BEGIN ") {
            if words.contains("PRIVATE KEY-----") {
                throw SignatureKeyFault(reason: "holds a private key: what judges tokens is the public one")
            }
            return TokenKeys(entries: [Entry(identifier: nil, key: try making.publicKey(pem: text))])
        }
        if text.first(where: { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }) == UInt8(ascii: "{") {
            return try keySet(text, hashing, making)
        }
        var secret = text[...]
        if secret.last == UInt8(ascii: "\n") { secret.removeLast() }
        if secret.last == UInt8(ascii: "\r") { secret.removeLast() }
        return TokenKeys(entries: [Entry(identifier: nil, key: try secretKey(Array(secret), hashing))])
    }

    private static func secretKey(
        _ secret: [UInt8], _ hashing: any SecretHashing
    ) throws(SignatureKeyFault) -> any SignatureKey {
        guard secret.count >= secretBytesMin else {
            throw SignatureKeyFault(reason: "holds a secret of \(secret.count) bytes; \(secretBytesMin) are the least")
        }
        return SecretSignatureKey(secret: secret, hashing: hashing)
    }

    /// The keys of a set that are for signatures of the algorithms that there are; others are passed over, as RFC 7517
    /// §5 wants it.
    private static func keySet(
        _ text: [UInt8], _ hashing: any SecretHashing, _ making: any SignatureKeyMaking
    ) throws(SignatureKeyFault) -> TokenKeys {
        guard let document = JSONReader.read(text), let keys = document["keys"]?.elements else {
            throw SignatureKeyFault(reason: "is no JSON Web Key Set: {\"keys\": [...]}")
        }
        guard keys.count <= countMax else { throw SignatureKeyFault(reason: "holds more than \(countMax) keys") }
        var entries: [Entry] = []
        for (index, key) in keys.enumerated() {
            do throws(SignatureKeyFault) {
                guard let made = try self.key(key, hashing, making) else { continue }
                if let algorithm = key["alg"], algorithm.text != made.algorithm.rawValue { continue }
                entries.append(Entry(identifier: key["kid"]?.text, key: made))
            } catch {
                throw SignatureKeyFault(reason: "key \(index + 1) of the set \(error.reason)")
            }
        }
        if entries.isEmpty {
            throw SignatureKeyFault(reason: "holds no key for RS256, ES256 (P-256) or HS256")
        }
        return TokenKeys(entries: entries)
    }

    private static func key(
        _ key: JSON, _ hashing: any SecretHashing, _ making: any SignatureKeyMaking
    ) throws(SignatureKeyFault) -> (any SignatureKey)? {
        if let use = key["use"], use.text != "sig" { return nil }
        switch key["kty"]?.text {
        case "RSA":
            return try making.rsaKey(modulus: number(key, "n"), exponent: number(key, "e"))
        case "EC":
            guard key["crv"]?.text == "P-256" else { return nil }
            return try making.p256Key(x: number(key, "x"), y: number(key, "y"))
        case "oct": return try secretKey(number(key, "k"), hashing)
        default: return nil
        }
    }

    private static func number(_ key: JSON, _ name: String) throws(SignatureKeyFault) -> [UInt8] {
        guard let text = key[name]?.text, let bytes = Base64.urlBytes(text.utf8), !bytes.isEmpty else {
            throw SignatureKeyFault(reason: "has no '\(name)' in base64url")
        }
        return bytes
    }

    /// The keys that may have signed a token.
    func candidates(_ algorithm: TokenAlgorithm, _ identifier: String?) -> [any SignatureKey] {
        let fitting = entries.filter { $0.key.algorithm == algorithm }
        guard let identifier else { return fitting.map(\.key) }
        // A key without a name may be any; one with another name is another.
        return fitting.filter { $0.identifier == nil || $0.identifier == identifier }.map(\.key)
    }
}

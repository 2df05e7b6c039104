import AccessControl
import Administration
import Cryptography
import Speaking

/// One run: the first byte chooses what the rest is: a file of rules, of passwords or of keys, messages of SCRAM or
/// PLAIN, a token, a set of keys, or JSON.
///
/// A trap, or memory that the sanitiser objects to, is a finding; so is a verdict of many rules that differs from that
/// of each rule alone, a hash that is read again as another, and a client that is let in without the password.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard let start, count > 1 else { return 0 }
    let bytes = Array(UnsafeBufferPointer(start: start + 1, count: count - 1))
    switch start[0] % 8 {
    case 0: rules(bytes)
    case 1: passwords(bytes)
    case 2: sharedKeys(bytes)
    case 3: scram(bytes)
    case 4: plain(bytes)
    case 5: token(bytes)
    case 6: tokenKeys(bytes)
    default: json(bytes)
    }
    return 0
}

private struct Hashing: SecretHashing {
    func digest(_ hash: SecretHash, _ bytes: [UInt8]) -> [UInt8] { made(hash).digest(bytes) }
    func authenticationCode(_ hash: SecretHash, key: [UInt8], _ bytes: [UInt8]) -> [UInt8] {
        made(hash).authenticationCode(key: key, bytes)
    }
    // One iteration: a fuzzer has no time for more.
    func derivedKey(_ hash: SecretHash, password: [UInt8], salt: [UInt8], iterations: Int) -> [UInt8] {
        made(hash).derivedKey(password: password, salt: salt, iterations: 1)
    }
    func argon2id(password: [UInt8], salt: [UInt8], _ cost: Argon2Cost, byteCount: Int) -> [UInt8]? { nil }
    func randomBytes(_ count: Int) -> [UInt8] { [UInt8](repeating: 7, count: count) }
    func areEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool { left == right }
    private func made(_ hash: SecretHash) -> SecretDigest { hash == .sha256 ? .sha256 : .sha512 }
}

private struct Signatures: SignatureKeyMaking {
    func publicKey(pem: [UInt8]) throws(SignatureKeyFault) -> any SignatureKey { try key { try? .init(pem: pem) } }
    func rsaKey(modulus: [UInt8], exponent: [UInt8]) throws(SignatureKeyFault) -> any SignatureKey {
        try key { try? .init(modulus: modulus, exponent: exponent) }
    }
    func p256Key(x: [UInt8], y: [UInt8]) throws(SignatureKeyFault) -> any SignatureKey {
        try key { try? .init(p256X: x, y: y) }
    }
    private func key(_ make: () -> SignaturePublicKey?) throws(SignatureKeyFault) -> any SignatureKey {
        guard let key = make() else { throw SignatureKeyFault(reason: "none") }
        return Key(key: key)
    }
    struct Key: SignatureKey {
        let key: SignaturePublicKey
        var algorithm: TokenAlgorithm { key.kind == .rsa ? .rs256 : .es256 }
        func isSigned(_ message: [UInt8], by signature: [UInt8]) -> Bool { key.isSigned(message, by: signature) }
    }
}

private func rules(_ bytes: [UInt8]) {
    guard let rules = try? AccessRules.mosquitto(bytes, file: "f") else { return }
    let topics = ["a", "a/b", "$SYS/a", "u/c", "/"].map { Array($0.utf8) }
    for user in rules.userNames.prefix(4).map({ Optional($0) }) + [nil, Array("u".utf8)] {
        let principal = user.map { Principal.user(String(decoding: $0, as: UTF8.self)) } ?? .anonymous
        let rights = rules.rights(of: principal, clientID: Array("c".utf8))
        for topic in topics {
            let (read, filter) = (rights.mayRead(topic.span), rights.maySubscribe(topic.span))
            // A topic is a filter of itself alone.
            precondition(!read.isAllowed || filter.isAllowed)
            _ = rules.description(of: rights.mayPublish(topic.span).rule) + rules.description(of: filter.rule)
            _ = (rights.mayReadStream(topic.span), rights.mayUseGroup(topic.span), rights.mayAdminister)
        }
    }
}

private func passwords(_ bytes: [UInt8]) {
    guard let file = try? PasswordFile.parse(bytes, file: "f") else { return }
    for user in file.users {
        _ = file.verify(user, password: bytes, Hashing())
        _ = file.scramCredential(user, .sha512, Hashing())
    }
    // What is read is written and read again as the same.
    let user = Array("new user".utf8)
    guard let hash = PasswordHash.make(.pbkdf2, of: bytes, iterations: 1, Hashing()) else { return }
    let changed = PasswordFileEditing.set(user, [hash], in: bytes)
    guard let again = try? PasswordFile.parse(changed, file: "f") else { preconditionFailure("cannot read again") }
    precondition(again.has(user) && Set(again.users) == Set(file.users + [user]))
}

private func sharedKeys(_ bytes: [UInt8]) {
    guard let file = try? SharedKeyFile.parse(bytes, file: "f") else { return }
    for identity in file.identities { precondition(!(file.key(of: identity) ?? []).isEmpty) }
}

private func scram(_ bytes: [UInt8]) {
    let credential = ScramCredential(
        password: Array("p".utf8), salt: [1], iterations: 4096, .sha256, Hashing())
    var exchange = ScramExchange(
        .sha256, Hashing(), decoy: ScramDecoy(key: [1]), serverNonce: Array("s".utf8)
    ) { user, _ in user == Array("u".utf8) ? credential : nil }
    for message in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
        if case .accepted = exchange.received(Array(message)) { preconditionFailure("let in without the password") }
    }
}

private func plain(_ bytes: [UInt8]) {
    guard let message = try? PlainMessage(bytes) else { return }
    precondition(!message.user.isEmpty && !message.password.isEmpty)
}

private let secret = [UInt8](repeating: 1, count: 32)

private func token(_ bytes: [UInt8]) {
    guard let keys = try? TokenKeys.read(secret, Hashing(), Signatures()) else { preconditionFailure("no key") }
    var settings = TokenJudge.Settings()
    settings.rolesClaim = "roles"
    settings.publishClaim = "pub"
    settings.requiresExpiry = false
    let judge = TokenJudge(keys, settings)
    _ = try? judge.judge(bytes, now: 0)
    // The same as claims, signed, so that what lies behind the signature is seen too.
    let header = url(Array(#"{"alg":"HS256"}"#.utf8)) + [UInt8(ascii: ".")] + url(bytes)
    let signature = Hashing().authenticationCode(.sha256, key: secret, header)
    guard let token = try? judge.judge(header + [UInt8(ascii: ".")] + url(signature), now: 0) else { return }
    precondition(!token.user.isEmpty)
    _ = token.rules
}

private func url(_ bytes: [UInt8]) -> [UInt8] {
    Administration.Base64.text(bytes).utf8.compactMap { byte in
        switch byte {
        case UInt8(ascii: "+"): UInt8(ascii: "-")
        case UInt8(ascii: "/"): UInt8(ascii: "_")
        case UInt8(ascii: "="): nil
        default: byte
        }
    }
}

private func tokenKeys(_ bytes: [UInt8]) { _ = try? TokenKeys.read(bytes, Hashing(), Signatures()) }

private func json(_ bytes: [UInt8]) {
    guard let document = JSONReader.read(bytes) else { return }
    let text = Array(document.compact.utf8)
    precondition(JSONReader.read(text)?.compact == document.compact, "written and read again it differs")
}

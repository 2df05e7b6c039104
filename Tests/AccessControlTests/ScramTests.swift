import AccessControl
import Administration
import SluiceNode
import Synchronization
import Testing

@Suite("SCRAM")
struct ScramTests {
    private static let hashing = SystemHashing()
    private static let decoy = ScramDecoy(key: Array("decoy".utf8))
    private static let salt = Base64.bytes("W22ZaJ0SNY7soEsUEjb6gQ==".utf8) ?? []
    private static let pencil = ScramCredential(
        password: Array("pencil".utf8), salt: salt, iterations: 4096, .sha256, hashing)

    private func exchange(
        _ mechanism: ScramMechanism = .sha256, nonce: String? = nil,
        _ credential: ScramCredential? = pencil, user: String = "user"
    ) -> ScramExchange {
        ScramExchange(
            mechanism, Self.hashing, decoy: Self.decoy, serverNonce: nonce.map { Array($0.utf8) }
        ) { name, asked in
            name == Array(user.utf8) && asked == mechanism ? credential : nil
        }
    }

    private func text(_ step: ScramStep) -> String {
        switch step {
        case .challenge(let bytes): String(decoding: bytes, as: UTF8.self)
        case .accepted(let user, let bytes): "\(user) \(String(decoding: bytes, as: UTF8.self))"
        case .rejected(let refusal, let bytes):
            String(decoding: bytes, as: UTF8.self) == "e=\(refusal.rawValue)" ? "no: \(refusal)" : "?"
        }
    }

    @Test("the exchange of RFC 7677 §3")
    func rfc7677() {
        var exchange = exchange(nonce: "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0")
        #expect(
            text(exchange.received(Array("n,,n=user,r=rOprNGfwEbeRWgbNEkqO".utf8)))
                == "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096")
        let final =
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
            + "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
        #expect(
            text(exchange.received(Array(final.utf8))) == "user v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")
        #expect(text(exchange.received(Array(final.utf8))) == "no: invalidEncoding")
    }

    @Test("SHA-512 with an escaped name, and a client that could bind channels, as Python's hashlib computes it")
    func sha512() {
        let credential = ScramCredential(
            password: Array("pencil".utf8), salt: Array(1...16), iterations: 4096, .sha512, Self.hashing)
        var exchange = exchange(.sha512, nonce: "servernonce99", credential, user: "us=er,")
        #expect(
            text(exchange.received(Array("y,,n=us=3Der=2C,r=clientnonce42".utf8)))
                == "r=clientnonce42servernonce99,s=AQIDBAUGBwgJCgsMDQ4PEA==,i=4096")
        let proof = "OWwlvlzeg1bCDn17PI1O1U0nBONdMPHmr3ttdPgMgS8jymGZB6cnetMGzUieeDiVPb+mYA3ZUTmlaV2ZorA0Og=="
        #expect(
            text(exchange.received(Array("c=eSws,r=clientnonce42servernonce99,p=\(proof)".utf8)))
                == "us=er, v=yPHomtz3jrEPl8Bc6Ai8jrJyUYpoj03YTV9Cr7374W3L1LLZHAR6RzM47RjGLx7Zr9ZN+CNd5o9jdVVWwxMqNg==")
    }

    @Test(
        "a first message that is none is refused",
        arguments: [
            ("", "invalidEncoding"), ("n", "invalidEncoding"), ("n,,", "invalidEncoding"),
            ("n,,n=user", "invalidEncoding"), ("n,,n=user,r=", "invalidEncoding"),
            ("n,,r=abc,n=user", "invalidEncoding"), ("x,,n=user,r=abc", "invalidEncoding"),
            ("n,,n=user,r=a c", "invalidEncoding"), ("n,,n=user,r=a\u{7F}", "invalidEncoding"),
            ("p=tls-unique,,n=user,r=abc", "channelBindingNotSupported"),
            ("p=tls-exporter,,n=user,r=abc", "channelBindingNotSupported"),
            ("n,a=other,n=user,r=abc", "otherAuthorization"), ("n,a=,n=user,r=abc", "invalidUserName"),
            ("n,b=user,n=user,r=abc", "invalidEncoding"), ("n,,m=ext,n=user,r=abc", "extensionsNotSupported"),
            ("n,,n=us=2cer,r=abc", "invalidUserName"), ("n,,n=us=er,r=abc", "invalidUserName"),
            ("n,,n=,r=abc", "invalidUserName"), ("n,,n=user=,r=abc", "invalidUserName"),
            ("n,,n=a\0b,r=abc", "invalidUserName"),
        ])
    func malformedFirst(message: String, refusal: String) {
        var exchange = exchange()
        #expect(text(exchange.received(Array(message.utf8))) == "no: \(refusal)")
        #expect(text(exchange.received(Array("n,,n=user,r=abc".utf8))) == "no: invalidEncoding")
    }

    @Test("a message out of all bounds is refused before anything is made of it")
    func bombs() {
        let name = String(repeating: "u", count: 5000)
        var long = exchange()
        #expect(text(long.received(Array("n,,n=\(name),r=abc".utf8))) == "no: invalidEncoding")
        var nonces = exchange()
        let nonce = String(repeating: "r", count: 257)
        #expect(text(nonces.received(Array("n,,n=user,r=\(nonce)".utf8))) == "no: invalidEncoding")
        var attributes = exchange()
        let fields = String(repeating: ",x=y", count: 900)
        #expect(text(attributes.received(Array("n,,n=user,r=abc\(fields)".utf8))).hasPrefix("r=abc"))
        var latin = exchange()
        #expect(text(latin.received(Array("n,,n=".utf8) + [0xE4] + Array(",r=abc".utf8))) == "no: invalidUserName")
    }

    /// The client's last message, with what an attacker may change.
    private func final(
        first: String, _ serverFirst: String, password: String = "pencil", channel: String = "biws",
        nonce: String? = nil
    ) -> [UInt8] {
        let fields = serverFirst.split(separator: ",").map { String($0.dropFirst(2)) }
        let salt = Base64.bytes(fields[1].utf8) ?? []
        let (hashing, hash) = (Self.hashing, SecretHash.sha256)
        let salted = hashing.derivedKey(
            hash, password: Array(password.utf8), salt: salt, iterations: Int(fields[2]) ?? 0)
        let key = hashing.authenticationCode(hash, key: salted, Array("Client Key".utf8))
        let withoutProof = "c=\(channel),r=\(nonce ?? fields[0])"
        let signed = "\(first),\(serverFirst),\(withoutProof)"
        let signature = hashing.authenticationCode(hash, key: hashing.digest(hash, key), Array(signed.utf8))
        let proof = Base64.text(zip(key, signature).map { $0 ^ $1 })
        return Array("\(withoutProof),p=\(proof)".utf8)
    }

    @Test("a right password is accepted, and a wrong one, an unknown user, and words that were changed are not")
    func finals() {
        func run(
            _ header: String = "n,,", user: String = "user", password: String = "pencil", channel: String = "biws",
            nonce: String? = nil
        ) -> String {
            var exchange = exchange()
            let first = "n=\(user),r=abc"
            let serverFirst = text(exchange.received(Array((header + first).utf8)))
            return text(
                exchange.received(
                    final(first: first, serverFirst, password: password, channel: channel, nonce: nonce)))
        }
        #expect(run().hasPrefix("user v="))
        #expect(run("n,a=user,", channel: Base64.text(Array("n,a=user,".utf8))).hasPrefix("user v="))
        #expect(run(password: "pen") == "no: invalidProof")
        #expect(run(user: "other") == "no: invalidProof")
        #expect(run(nonce: "abc") == "no: invalidProof")
        // Somebody between made 'n' of 'y': the client signs what it said.
        #expect(run("n,,", channel: "eSws") == "no: channelBindingsDoNotMatch")
        #expect(run("y,,", channel: "biws") == "no: channelBindingsDoNotMatch")
        #expect(run(channel: "biw") == "no: invalidEncoding")
    }

    @Test("an unknown user has the same salt each time, another than others, and never gets in")
    func decoys() {
        func salt(_ user: String, _ mechanism: ScramMechanism = .sha256) -> String {
            var exchange = exchange(mechanism, nil)
            let answer = text(exchange.received(Array("n,,n=\(user),r=abc".utf8)))
            return String(answer.split(separator: ",")[1])
        }
        #expect(salt("nobody") == salt("nobody"))
        #expect(salt("nobody") != salt("nobodi"))
        #expect(salt("nobody") != salt("nobody", .sha512))
        #expect(salt("nobody").count == "s=W22ZaJ0SNY7soEsUEjb6gQ==".count)
    }

    @Test("nonces are fresh, and a message cut anywhere or changed in any byte is refused without harm")
    func mutations() {
        var one = exchange()
        var other = exchange()
        #expect(one.received(Array("n,,n=user,r=abc".utf8)) != other.received(Array("n,,n=user,r=abc".utf8)))
        let first = Array("n,,n=user,r=abc".utf8)
        var template = exchange()
        let serverFirst = text(template.received(first))
        let last = final(first: "n=user,r=abc", serverFirst)
        for index in last.indices {
            var cut = template
            #expect(text(cut.received(Array(last[..<index]))).hasPrefix("no: "))
            for bit in 0..<8 {
                var changed = template
                var message = last
                message[index] ^= 1 << bit
                #expect(text(changed.received(message)).hasPrefix("no: "))
            }
        }
        var whole = template
        #expect(text(whole.received(last)).hasPrefix("user v="))
    }
}

@Suite("SASL PLAIN")
struct PlainMessageTests {
    private func read(_ text: String) -> String {
        do throws(PlainMessage.Failure) {
            let message = try PlainMessage(Array(text.utf8))
            return "\(message.user) \(String(decoding: message.password, as: UTF8.self))"
        } catch {
            return "\(error)"
        }
    }

    @Test("three parts are a name and a password, and who speaks for another is refused")
    func parts() {
        #expect(read("\0tim\0tanstaaftanstaaf") == "tim tanstaaftanstaaf")
        #expect(read("tim\0tim\0p") == "tim p")
        #expect(read("Ursel\0Kurt\0xipj3plmq") == "otherAuthorization")
        #expect(read("\0tim") == "malformed")
        #expect(read("tim\0p") == "malformed")
        #expect(read("\0tim\0p\0") == "malformed")
        #expect(read("") == "malformed")
        #expect(read("\0\0p") == "emptyUser")
        #expect(read("\0tim\0") == "emptyPassword")
        #expect(read("e\u{301}\0\u{E9}\0p") == "otherAuthorization")
        #expect(read("\0tim\0" + String(repeating: "p", count: 70_000)) == "malformed")
        #expect((try? PlainMessage([0, 0xE4, 0, 0x70])) == nil)
    }
}

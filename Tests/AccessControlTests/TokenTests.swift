import AccessControl
import Administration
import SluiceNode
import Speaking
import Testing

@Suite("JSON Web Tokens")
struct TokenTests {
    private static let hashing = SystemHashing()
    private static let secret = Array("a secret of thirty-two bytes, or more".utf8)
    private static let now: Int64 = 1_800_000_000

    private func keys(_ text: String) throws -> TokenKeys {
        try TokenKeys.read(Array(text.utf8), Self.hashing, SystemSignatures())
    }

    private func reason(_ text: String) -> String {
        do throws(SignatureKeyFault) {
            _ = try TokenKeys.read(Array(text.utf8), Self.hashing, SystemSignatures())
            return "taken"
        } catch {
            return error.reason
        }
    }

    private func base64(_ text: String) -> String { base64(Array(text.utf8)) }

    private func base64(_ bytes: [UInt8]) -> String {
        Base64.text(bytes).replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    /// A token signed with HMAC.
    private func token(
        _ claims: String, header: String = #"{"alg":"HS256"}"#, secret: [UInt8] = secret
    ) -> String {
        let message = "\(base64(header)).\(base64(claims))"
        let code = Self.hashing.authenticationCode(.sha256, key: secret, Array(message.utf8))
        return "\(message).\(base64(code))"
    }

    private func judge(
        _ token: String, _ keys: TokenKeys? = nil, now: Int64 = now,
        _ set: (inout TokenJudge.Settings) -> Void = { _ in }
    ) throws -> Result<Token, TokenFault> {
        var settings = TokenJudge.Settings()
        set(&settings)
        let keys = try keys ?? self.keys(String(decoding: Self.secret, as: UTF8.self))
        do throws(TokenFault) {
            return .success(try TokenJudge(keys, settings).judge(Array(token.utf8), now: now))
        } catch {
            return .failure(error)
        }
    }

    // MARK: RFC 7515, appendix A

    private static let payload =
        "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    private static let symmetric = (
        token: "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.\(payload).dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
        key: #"{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1"#
            + #"Z9CAow"}"#
    )
    private static let rsa = (
        token: "eyJhbGciOiJSUzI1NiJ9.\(payload).cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7"
            + "AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnb"
            + "yTyWzO75vRK5h6xBArLI"
            + "ARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOP"
            + "qvhJ1phCnvWh6IeYI2w9"
            + "QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
        key: #"{"kty":"RSA","e":"AQAB","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw"#
            + "-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpa"
            + "SHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxX"
            + #"FvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"}"#
    )
    private static let curve = (
        token: "eyJhbGciOiJFUzI1NiJ9.\(payload).DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxf"
            + "KTUJqPP3-Kg6NU1Q",
        key: #"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","#
            + #""y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#
    )

    @Test("the examples of RFC 7515 A.1 to A.3, each with its key, with another, and changed", arguments: 0..<3)
    func examples(index: Int) throws {
        let all = [Self.symmetric, Self.rsa, Self.curve]
        let (text, key) = all[index]
        let own = try keys(#"{"keys":[\#(key)]}"#)
        let answer = try judge(text, own, now: 1_300_819_379) { $0.userClaim = "iss" }
        let token = try answer.get()
        #expect(token.user == "joe" && token.expirySeconds == 1_300_819_380 + 30 && token.roles == [])
        #expect(try judge(text, own, now: 1_300_819_379 + 31) { $0.userClaim = "iss" } == .failure(.expired))
        for other in [1, 2] {
            let others = try keys(#"{"keys":[\#(all[(index + other) % 3].key)]}"#)
            #expect(try judge(text, others, now: 0) { $0.userClaim = "iss" } == .failure(.algorithm))
        }
        let together = try keys(#"{"keys":[\#(all.map(\.key).joined(separator: ","))]}"#)
        #expect(try judge(text, together, now: 0) { $0.userClaim = "iss" }.get().user == "joe")
        // The last letter has bits that stand for nothing, so the one before is changed.
        for position in [3, text.utf8.count / 2, text.utf8.count - 2] {
            var bytes = Array(text.utf8)
            bytes[position] = bytes[position] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
            let changed = try judge(String(decoding: bytes, as: UTF8.self), own, now: 0) { $0.userClaim = "iss" }
            #expect(throws: TokenFault.self) { try changed.get() }
        }
        let cut = try judge(String(text.dropLast(4)), own, now: 0)
        #expect(throws: TokenFault.self) { try cut.get() }
    }

    @Test("no signature is none, whatever the header says")
    func none() throws {
        let claims = base64(#"{"sub":"a","exp":1900000000}"#)
        for algorithm in ["none", "None", "NONE", "nOnE", "HS512", "RS512", "PS256", "", "hs256"] {
            let header = base64(#"{"alg":"\#(algorithm)"}"#)
            #expect(try judge("\(header).\(claims).") == .failure(.algorithm))
        }
        #expect(try judge("\(base64(#"{"alg":"HS256"}"#)).\(claims).") == .failure(.signature))
        #expect(try judge("\(base64("{}")).\(claims).") == .failure(.algorithm))
        #expect(try judge("\(claims)") == .failure(.malformed))
        #expect(try judge("\(base64(#"{"alg":"HS256"}"#)).\(claims)") == .failure(.malformed))
    }

    @Test("a public key is no secret: a token that is signed with its text by HMAC is refused")
    func confusion() throws {
        let pem = """
            -----BEGIN PUBLIC KEY-----
            MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV7
            6e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==
            -----END PUBLIC KEY-----

            """
        let keys = try keys(pem)
        #expect(try judge(Self.curve.token, keys, now: 0) { $0.userClaim = "iss" }.get().user == "joe")
        let forged = token(#"{"sub":"admin","exp":1900000000}"#, secret: Array(pem.utf8))
        #expect(try judge(forged, keys) == .failure(.algorithm))
    }

    @Test(
        "claims are judged when the signature is, and each has its reason",
        arguments: [
            (#"{"sub":"a","exp":1800000001}"#, nil), (#"{"sub":"a","exp":1799999971}"#, nil),
            (#"{"sub":"a","exp":1799999970}"#, TokenFault.expired), (#"{"sub":"a"}"#, .claim("exp")),
            (#"{"sub":"a","exp":"1900000000"}"#, .claim("exp")), (#"{"sub":"a","exp":-1}"#, .claim("exp")),
            (#"{"sub":"a","exp":9223372036854775807}"#, .claim("exp")), (#"{"sub":"a","exp":1e300}"#, .claim("exp")),
            (#"{"sub":"a","exp":1900000000.5}"#, nil), (#"{"sub":"a","exp":null}"#, .claim("exp")),
            (#"{"sub":"a","exp":1900000000,"nbf":1800000030}"#, nil),
            (#"{"sub":"a","exp":1900000000,"nbf":1800000031}"#, .notYetValid),
            (#"{"sub":"a","exp":1900000000,"iat":1800000031}"#, .notYetValid),
            (#"{"sub":"a","exp":1900000000,"iat":"now"}"#, .claim("iat")),
            (#"{"exp":1900000000}"#, .claim("sub")), (#"{"sub":"","exp":1900000000}"#, .claim("sub")),
            (#"{"sub":7,"exp":1900000000}"#, .claim("sub")), (#"{"sub":"a\u0000","exp":1900000000}"#, .claim("sub")),
            (#"{"sub":"a","sub":"b","exp":1900000000}"#, .malformed), (#"["sub"]"#, .malformed), ("", .malformed),
        ] as [(String, TokenFault?)])
    func claims(text: String, fault: TokenFault?) throws {
        switch try judge(token(text)) {
        case .success(let token): #expect(fault == nil && token.user == "a" && token.expirySeconds != nil)
        case .failure(let found): #expect(found == fault)
        }
    }

    @Test("issuer, audience, and tokens without an end as the settings have it")
    func settings() throws {
        let text = token(#"{"sub":"a","iss":"https://id.plant","aud":["other","sluice"],"exp":1900000000}"#)
        #expect(
            try judge(text) {
                $0.issuer = "https://id.plant"; $0.audience = "sluice"
            }.get().user == "a")
        #expect(try judge(text) { $0.issuer = "https://id" } == .failure(.issuer))
        #expect(try judge(text) { $0.audience = "sluic" } == .failure(.audience))
        let single = token(#"{"sub":"a","aud":"sluice"}"#)
        #expect(
            try judge(single) {
                $0.audience = "sluice"; $0.requiresExpiry = false
            }.get().expirySeconds == nil)
        #expect(try judge(token(#"{"sub":"a","exp":1900000000}"#)) { $0.audience = "x" } == .failure(.audience))
        #expect(try judge(token(#"{"sub":"a","exp":1900000000}"#)) { $0.issuer = "x" } == .failure(.issuer))
    }

    @Test("what a header demands and nobody knows is refused, and so is a key's name that is none")
    func headers() throws {
        let claims = #"{"sub":"a","exp":1900000000}"#
        let critical = token(claims, header: #"{"alg":"HS256","crit":["b64"],"b64":false}"#)
        #expect(try judge(critical) == .failure(.criticalExtension))
        #expect(try judge(token(claims, header: #"{"alg":"HS256","kid":7}"#)) == .failure(.malformed))
        #expect(try judge(token(claims, header: #"{"alg":"none","alg":"HS256"}"#)) == .failure(.malformed))
        #expect(try judge(token(claims, header: #"{"alg":["HS256"]}"#)) == .failure(.algorithm))
        let long = token(#"{"sub":"a","exp":1900000000,"x":"\#(String(repeating: "x", count: 17_000))"}"#)
        #expect(try judge(long) == .failure(.malformed))
        let deep = String(repeating: "[", count: 100) + String(repeating: "]", count: 100)
        #expect(try judge(token(#"{"sub":"a","exp":1900000000,"x":\#(deep)}"#)) == .failure(.malformed))
    }

    @Test("a set's keys are chosen by name, and a key without one may be any")
    func keyNames() throws {
        let one = Self.secret
        let two = Array("another secret of thirty-two bytes, or more".utf8)
        func key(_ secret: [UInt8], _ name: String?) -> String {
            #"{"kty":"oct","k":"\#(base64(secret))"\#(name.map { #","kid":"\#($0)""# } ?? "")}"#
        }
        let claims = #"{"sub":"a","exp":1900000000}"#
        let set = try keys(#"{"keys":[\#(key(one, "1")),\#(key(two, "2"))]}"#)
        for (secret, name, isTaken) in [
            (one, "1", true), (two, "2", true), (one, "2", false), (one, "3", false), (two, nil, true),
        ] as [([UInt8], String?, Bool)] {
            let header = #"{"alg":"HS256"\#(name.map { #","kid":"\#($0)""# } ?? "")}"#
            let answer = try judge(token(claims, header: header, secret: secret), set)
            #expect((answer == .failure(.signature)) != isTaken, "\(name ?? "no name")")
        }
        let nameless = try keys(#"{"keys":[\#(key(one, nil))]}"#)
        #expect(try judge(token(claims, header: #"{"alg":"HS256","kid":"x"}"#), nameless).get().user == "a")
    }

    @Test("roles and filters come from the claims that are named, also along a path")
    func rights() throws {
        let text = token(
            #"{"sub":"dev1","exp":1900000000,"scope":"read write","realm":{"roles":["a","b"]},"#
                + #""pub":["d/dev1/#"],"sub_":["c/+"]}"#)
        #expect(try judge(text) { $0.rolesClaim = "scope" }.get().roles == ["read", "write"])
        #expect(try judge(text) { $0.rolesClaim = "realm.roles" }.get().roles == ["a", "b"])
        #expect(try judge(text) { $0.rolesClaim = "nothing" }.get().roles == [])
        #expect(try judge(text) { $0.rolesClaim = "exp" } == .failure(.claim("exp")))
        #expect(try judge(text).get().rules == nil)
        let token = try judge(text) {
            $0.publishClaim = "pub"; $0.readClaim = "sub_"
        }.get()
        let rights = try #require(token.rules).rights(of: .user("dev1"), clientID: [])
        #expect(rights.access("d/dev1/x") == "w" && rights.access("c/x") == "r" && rights.access("c/x/y") == "")
        let none = try judge(text) { $0.publishClaim = "missing" }.get()
        #expect(try #require(none.rules).rights(of: .user("dev1"), clientID: []).access("d/dev1/x") == "")
        let bad = self.token(#"{"sub":"dev1","exp":1900000000,"pub":["a#"]}"#)
        #expect(try judge(bad) { $0.publishClaim = "pub" } == .failure(.claim("pub")))
    }

    @Test("a key file that cannot judge is refused, and its secret is not told")
    func badKeys() {
        #expect(reason("hunter2") == "holds a secret of 7 bytes; 32 are the least")
        #expect(reason("").hasPrefix("holds a secret of 0 bytes"))
        #expect(reason("-----BEGIN PRIVATE KEY-----\nhunter2\n").contains("private key"))
        #expect(reason("-----BEGIN PUBLIC KEY-----\nhunter2\n-----END PUBLIC KEY-----\n").hasPrefix("is no public key"))
        #expect(reason("{\"keys\": 7}").hasPrefix("is no JSON Web Key Set"))
        #expect(reason("{\"keys\": []}").hasPrefix("holds no key"))
        #expect(reason(#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"x"}]}"#).hasPrefix("holds no key"))
        #expect(reason(#"{"keys":[{"kty":"RSA","e":"AQAB","n":"q83v"}]}"#).contains("bits; 2048 to 8192 are taken"))
        #expect(reason(#"{"keys":[{"kty":"RSA","e":"AQAB"}]}"#) == "key 1 of the set has no 'n' in base64url")
        let origin = base64([UInt8](repeating: 0, count: 32))
        #expect(
            reason(#"{"keys":[{"kty":"EC","crv":"P-256","x":"\#(origin)","y":"\#(origin)"}]}"#)
                .hasPrefix("key 1 of the set is no public key"))
        #expect(reason(#"{"keys":[{"kty":"oct","k":"aHVudGVyMg"}]}"#).hasSuffix("32 are the least"))
        let unused = Self.symmetric.key.dropLast()
        #expect(reason(#"{"keys":[\#(unused),"use":"enc"}]}"#).hasPrefix("holds no key"))
        #expect(reason(#"{"keys":[\#(unused),"alg":"HS512"}]}"#).hasPrefix("holds no key"))
    }
}

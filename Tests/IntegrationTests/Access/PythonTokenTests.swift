import AccessControl
import Foundation
import SluiceNode
import Testing

/// A Python that has PyJWT and its keys: the first in PATH, or the system's own.
private let python: String? = ["python3", "/usr/bin/python3"].first { program in
    do {
        return try Program.run([program, "-c", "import jwt, cryptography"]).code == 0
    } catch {
        return false
    }
}

@Suite("Tokens of PyJWT", .enabled(if: python != nil))
struct PythonTokenTests {
    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
        let script = try #require(Bundle.module.path(forResource: "tokens", ofType: "py", inDirectory: "Scripts"))
        let made = try Program.run([#require(python), script, directory.path])
        try #require(made.code == 0, "\(made)")
    }

    private func bytes(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(filePath: directory.path + "/" + name)))
    }

    private func judge(_ name: String, key: String? = nil, later seconds: Double = 0) throws -> Token {
        let keys = try TokenKeys.read(bytes((key ?? name) + ".key"), SystemHashing(), SystemSignatures())
        var settings = TokenJudge.Settings()
        settings.audience = "sluice"
        settings.rolesClaim = "roles"
        let now = Int64(Date().timeIntervalSince1970 + seconds)
        return try TokenJudge(keys, settings).judge(bytes(name + ".token"), now: now)
    }

    @Test("each algorithm is judged with its key and no other, until the token ends")
    func judges() throws {
        for name in ["hs256", "rs256", "es256"] {
            let token = try judge(name)
            #expect(token.user == "dév\u{1F600}1" && token.roles == ["device"])
            #expect(throws: TokenFault.expired) { try judge(name, later: 700) }
            #expect(throws: TokenFault.notYetValid) { try judge(name, later: -100) }
            for other in ["hs256", "rs256", "es256"] where other != name {
                #expect(throws: TokenFault.algorithm) { try judge(name, key: other) }
            }
        }
        #expect(throws: TokenFault.algorithm) { try judge("none") }
        #expect(throws: TokenFault.signature) { try judge("other") }
        #expect(throws: SignatureKeyFault.self) { try judge("es384") }
    }
}

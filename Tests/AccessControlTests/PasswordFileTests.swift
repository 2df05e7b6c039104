import AccessControl
import Administration
import SluiceNode
import Synchronization
import Testing

/// Hashing that counts what it does.
final class CountingHashing: SecretHashing {
    private let system = SystemHashing()
    private let derived = Mutex<[Int]>([])
    private let argons = Mutex<[Argon2Cost]>([])

    /// Iterations of each PBKDF2 since the last question.
    func takeIterations() -> [Int] {
        derived.withLock { list in
            defer { list = [] }
            return list
        }
    }

    /// Costs of each Argon2 since the last question.
    func takeArgons() -> [Argon2Cost] {
        argons.withLock { list in
            defer { list = [] }
            return list
        }
    }

    func digest(_ hash: SecretHash, _ bytes: [UInt8]) -> [UInt8] { system.digest(hash, bytes) }
    func authenticationCode(_ hash: SecretHash, key: [UInt8], _ bytes: [UInt8]) -> [UInt8] {
        system.authenticationCode(hash, key: key, bytes)
    }
    func derivedKey(_ hash: SecretHash, password: [UInt8], salt: [UInt8], iterations: Int) -> [UInt8] {
        derived.withLock { $0.append(iterations) }
        return system.derivedKey(hash, password: password, salt: salt, iterations: iterations)
    }
    func argon2id(password: [UInt8], salt: [UInt8], _ cost: Argon2Cost, byteCount: Int) -> [UInt8]? {
        argons.withLock { $0.append(cost) }
        return system.argon2id(password: password, salt: salt, cost, byteCount: byteCount)
    }
    func randomBytes(_ count: Int) -> [UInt8] { system.randomBytes(count) }
    func areEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool { system.areEqual(left, right) }
}

@Suite("Password files")
struct PasswordFileTests {
    private let hashing = SystemHashing()

    /// Lines that mosquitto_passwd 2.0.11 has written for the password `secret`.
    private static let foreign = """
        # devices
        alice:$7$101$yz2bEab1vLGVW4Ha$\
        GmO0bUEMvgZqfg35JS/UEggXjwYJVdS09bss8NHViotjiD7L8TluSeDiXVainmZWfE4LfstbcJEeh7tdWpQIHA==

        bob:$6$H0mPsMX4mheM4A8K$oAZ8npxLnIoHbGJXnsawLi8GX6IOzWdr8v5KloUbeyMYLGnuvAupgG14SMSGYgI80w38nEbp1Zn8dzSP63cttA==

        """

    private func file(_ text: String) throws -> PasswordFile {
        try PasswordFile.parse(Array(text.utf8), file: "passwords")
    }

    private func fault(_ text: String) -> String {
        do {
            _ = try file(text)
            return ""
        } catch {
            return "\(error)"
        }
    }

    private func knows(_ file: PasswordFile, _ user: String, _ password: String) -> Bool {
        file.verify(Array(user.utf8), password: Array(password.utf8), hashing)
    }

    @Test("what mosquitto_passwd has written is taken, and nothing else is")
    func mosquitto() throws {
        let file = try file(Self.foreign)
        #expect(Set(file.users) == [Array("alice".utf8), Array("bob".utf8)])
        for user in ["alice", "bob"] {
            #expect(knows(file, user, "secret"))
            for wrong in ["", "Secret", "secret ", "secret\0", "secre"] { #expect(!knows(file, user, wrong)) }
        }
        #expect("\(file)" == "2 users")
        #expect(!knows(file, "carol", "secret"))
        #expect(!knows(file, "", "secret"))
    }

    @Test("Argon2id as the reference's own command writes it")
    func argon2() throws {
        let file = try file(
            "a:$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc\n")
        #expect(knows(file, "a", "password"))
        #expect(!knows(file, "a", "differentpassword"))
    }

    @Test("every form that is written is read again, and judges the password that it was made of")
    func roundTrip() throws {
        let password = Array("pässwörd: with $ and :".utf8)
        let kinds: [PasswordHash.Kind] = [.sha512, .pbkdf2, .argon2id, .scram(.sha256), .scram(.sha512)]
        for kind in kinds {
            let hash = try #require(PasswordHash.make(kind, of: password, iterations: 4096, hashing))
            #expect(hash.kind == kind && "\(hash)" == "\(kind.mark)…")
            let file = try file("u:\(hash.text)\r\n")
            #expect(file.verify(Array("u".utf8), password: password, hashing))
            #expect(!file.verify(Array("u".utf8), password: password + [0x20], hashing))
            #expect(try #require(PasswordHash.make(kind, of: password, hashing)) != hash, "salted")
        }
        #expect(try #require(PasswordHash.make(.sha512, of: [], hashing)).isOf([], hashing))
        #expect(try #require(PasswordHash.make(.pbkdf2, of: [], hashing)).isOf([], hashing))
    }

    @Test("a user's first line judges passwords; SCRAM has its own, or what a $7$ of enough iterations gives")
    func several() throws {
        let text = """
            u:$7$4096$c29tZXNhbHQ=$%HASH%
            u:SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$\
            WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=

            """
        let salted = hashing.derivedKey(
            .sha512, password: Array("pencil".utf8), salt: Array("somesalt".utf8), iterations: 4096)
        let file = try file(text.replacing("%HASH%", with: Base64.text(salted)))
        #expect(knows(file, "u", "pencil"))
        let user = Array("u".utf8)
        let first = try #require(file.scramCredential(user, .sha256, hashing))
        // RFC 7677's example, as PostgreSQL would store it.
        #expect(first.isOf(password: Array("pencil".utf8), .sha256, hashing))
        let second = try #require(file.scramCredential(user, .sha512, hashing))
        #expect(second.salt == Array("somesalt".utf8) && second.iterations == 4096)
        #expect(second.isOf(password: Array("pencil".utf8), .sha512, hashing))
        #expect(file.scramCredential(Array("v".utf8), .sha256, hashing) == nil)
        let weak = try self.file(Self.foreign)
        #expect(weak.scramCredential(Array("alice".utf8), .sha512, hashing) == nil)
        #expect(weak.scramCredential(Array("bob".utf8), .sha512, hashing) == nil)
    }

    @Test("an unknown user costs as much as most who are known")
    func unknown() throws {
        let counting = CountingHashing()
        let hash = try #require(PasswordHash.make(.pbkdf2, of: [1], iterations: 700, hashing))
        let other = try #require(PasswordHash.make(.argon2id, of: [1], hashing))
        let text = "a:\(hash.text)\nb:\(hash.text)\nc:\(other.text)\n"
        let file = try file(text)
        #expect(!file.verify(Array("nobody".utf8), password: [1], counting))
        #expect(counting.takeIterations() == [700])
        let argon = try self.file("c:\(other.text)\n")
        #expect(!argon.verify(Array("nobody".utf8), password: [1], counting))
        #expect(counting.takeArgons() == [.usual] && counting.takeIterations() == [])
        let empty = try self.file("")
        #expect(!empty.verify(Array("nobody".utf8), password: [1], counting))
        #expect(counting.takeIterations() == [PasswordHash.iterationsUsual])
        // The hash of nobody is nobody's.
        #expect(!file.verify([], password: [], counting))
    }

    @Test(
        "a bad line is named without anything that is secret",
        arguments: [
            ("alice:hunter2", "expected a hash that begins with"), ("alice", "expected USER:HASH, found no ':'"),
            (":hunter2", "found nothing before the ':'"), ("alice:  ", "found nothing behind the ':'"),
            ("a:$6$hunter2", "expected $6$SALT$HASH"), ("a:$6$aHVudGVyMg==$aHVudGVyMg==", "expected $6$SALT$HASH"),
            ("a:$7$0$aHVudGVyMg==$aHVudGVyMg==", "expected $7$ITERATIONS$SALT$HASH"),
            ("a:$7$99999999999999999999$hunter2$x", "expected $7$"), ("a:$7$-1$hunter2$x", "expected $7$"),
            ("a:$argon2id$v=19$m=99999999,t=1,p=1$aHVudGVyMg$aHVudGVyMg", "expected $argon2id$"),
            ("a:$argon2id$v=18$m=64,t=1,p=1$aHVudGVyMg$aHVudGVyMg", "expected $argon2id$"),
            ("a:$argon2id$v=19$m=64$hunter2", "expected $argon2id$"), ("a:$2y$10$hunter2", "expected a hash"),
            ("a:SCRAM-SHA-256$100:aHVudGVyMg==$hunter2:hunter2", "with 4096 to"),
            ("a:SCRAM-SHA-1$4096:aHVudGVyMg==$hunter2:hunter2", "expected a hash"),
        ])
    func faults(line: String, expected: String) {
        let found = fault("# comment\n\(line)\n")
        #expect(found.hasPrefix("passwords:2: "))
        #expect(found.contains(expected), "\(found)")
        #expect(!found.contains("hunter2") && !found.contains("aHVudGVyMg"))
        let hash =
            "$6$H0mPsMX4mheM4A8K$"
            + "oAZ8npxLnIoHbGJXnsawLi8GX6IOzWdr8v5KloUbeyMYLGnuvAupgG14SMSGYgI80w38nEbp1Zn8dzSP63cttA=="
        #expect(fault("a:\(hash)\nb:\(hash)\na:\(hash)\n") == "passwords:3: the user 'a' has a '$6$' already")
    }

    @Test("a user's lines are replaced where the first of them stood, and every other byte stays")
    func editing() throws {
        let text = Array("# mine\r\n a :old\nb:x\na:SCRAM-SHA-256$1\nlast".utf8)
        let hash = try #require(PasswordHash.make(.pbkdf2, of: [1], iterations: 1, hashing))
        let (a, c) = (Array("a".utf8), Array("c".utf8))
        let changed = PasswordFileEditing.set(a, [hash], in: text)
        #expect(String(decoding: changed, as: UTF8.self) == "# mine\r\na:\(hash.text)\nb:x\nlast\n")
        #expect(PasswordFileEditing.scramKinds(of: a, in: text) == [.scram(.sha256)])
        let added = PasswordFileEditing.set(c, [hash], in: [])
        #expect(String(decoding: added, as: UTF8.self) == "c:\(hash.text)\n")
        #expect(PasswordFileEditing.remove(a, from: text) == Array("# mine\r\nb:x\nlast\n".utf8))
        #expect(PasswordFileEditing.remove(c, from: text) == nil)
        #expect(PasswordFileEditing.has(a, in: text) && !PasswordFileEditing.has(c, in: text))
    }

    @Test("passwords in plain text become hashes, and hashes stay")
    func upgrade() throws {
        let text = Array("# c\nalice:hunter2\nbob:$7$1$x$y\n".utf8)
        let hash = try #require(PasswordHash.make(.sha512, of: Array("hunter2".utf8), hashing))
        let changed = try PasswordFileEditing.hashPasswords(in: text, file: "f") { password in
            #expect(password == Array("hunter2".utf8))
            return hash
        }
        let lines = String(decoding: changed, as: UTF8.self).split(separator: "\n")
        #expect(lines[0] == "# c" && lines[1].hasPrefix("alice:$6$") && lines[2] == "bob:$7$1$x$y")
        #expect(throws: SecurityFileError.self) {
            try PasswordFileEditing.hashPasswords(in: Array("\nalice".utf8), file: "f") { _ in hash }
        }
    }

    @Test("names that would end or hide their line are none")
    func names() {
        for name in ["a", "a b", "ä", "a/b+#", "$x"] { #expect(PasswordFileEditing.isUserName(Array(name.utf8))) }
        for name in ["", "a:b", "a\nb", "#a", " a", "a ", "a\0", "\u{7F}"] {
            #expect(!PasswordFileEditing.isUserName(Array(name.utf8)), "\(name)")
        }
        #expect(!PasswordFileEditing.isUserName([0xFF]))
    }
}

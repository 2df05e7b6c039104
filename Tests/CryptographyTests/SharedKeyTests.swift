import Cryptography
import Foundation
import Glibc
import SluiceCore
import Testing

@Suite("TLS with pre-shared keys, and lists of revocations")
struct SharedKeyTests {
    private static let key = [UInt8](0..<32)

    private static func keys() -> TLSSharedKeys {
        TLSSharedKeys(hint: "plant") { $0 == Array("dev42".utf8) ? key : nil }
    }

    /// Both sides of a handshake, one after the other, in memory.
    private func shakeHands(_ server: TLSConnection, _ client: TLSConnection) {
        var toServer = ByteBuffer()
        var toClient = ByteBuffer()
        var plain = ByteBuffer()
        client.start(wire: &toServer)
        for _ in 0..<5 {
            _ = server.received(toServer.bytes, plain: &plain, reply: &toClient)
            toServer.removeAll()
            _ = client.received(toClient.bytes, plain: &plain, reply: &toServer)
            toClient.removeAll()
        }
    }

    @Test("a client with the key of its identity is let in, and the identity is known; others are not")
    func judges() throws {
        let context = try TLSContext(sharedKeys: Self.keys())
        func connect(_ identity: String, _ key: [UInt8]) throws -> TLSConnection {
            var mine = TLSClientMaterial()
            mine.keyIdentity = identity
            mine.key = key
            let server = TLSConnection(server: context)
            #expect(server.keyIdentity == nil)
            let client = try TLSClientContext(mine, host: nil)
            shakeHands(server, TLSConnection(client: client, host: "broker"))
            return server
        }
        let server = try connect("dev42", Self.key)
        #expect(server.state == .open && server.version == "TLSv1.2")
        #expect(server.keyIdentity == Array("dev42".utf8) && server.peerCertificate == nil)
        for (identity, key) in [("dev42", [1]), ("dev42", Self.key + [0]), ("dev4", Self.key), ("dev422", Self.key)] {
            let server = try connect(identity, key)
            guard case .failed = server.state else {
                Issue.record("\(identity): \(server.state)")
                continue
            }
        }
    }

    @Test("ciphers that are none are refused")
    func ciphers() {
        #expect {
            _ = try TLSContext(sharedKeys: Self.keys(), ciphers: "NOT-A-CIPHER")
        } throws: { ($0 as? TLSMaterialError)?.part == .ciphers }
    }

    @Test("OpenSSL's own client is let in with TLS 1.2 and 1.3, and not with another key", arguments: ["1_2", "1_3"])
    func foreign(version: String) throws {
        let context = try TLSContext(sharedKeys: Self.keys())
        let hexadecimal = Self.key.map { String(format: "%02x", $0) }.joined()
        let right = try serve(context, ["-psk_identity", "dev42", "-psk", hexadecimal, "-tls\(version)"])
        #expect(right.text == "hello\n" && right.identity == Array("dev42".utf8))
        for words in [["-psk_identity", "dev42", "-psk", "00ff"], ["-psk_identity", "dev43", "-psk", hexadecimal]] {
            let wrong = try serve(context, words + ["-tls\(version)"])
            #expect(wrong.text.isEmpty, "\(words) \(wrong)")
        }
    }

    /// Serves one connection of `openssl s_client`, which says hello.
    private func serve(_ context: TLSContext, _ words: [String]) throws -> (text: String, identity: [UInt8]?) {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(listener) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        try withUnsafeMutablePointer(to: &address) { pointer in
            try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                try #require(bind(listener, pointer, length) == 0)
                try #require(listen(listener, 1) == 0)
                try #require(getsockname(listener, pointer, &length) == 0)
            }
        }
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments =
            ["openssl", "s_client", "-quiet", "-connect", "127.0.0.1:\(UInt16(bigEndian: address.sin_port))"] + words
        let input = Pipe()
        process.standardInput = input
        process.standardError = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        defer { process.waitUntilExit() }
        let peer = accept(listener, nil, nil)
        try #require(peer >= 0)
        defer { close(peer) }
        try input.fileHandleForWriting.write(contentsOf: Data("hello\n".utf8))
        try input.fileHandleForWriting.close()
        let connection = TLSConnection(server: context)
        var plain = ByteBuffer()
        var reply = ByteBuffer()
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = read(peer, &chunk, chunk.count)
            if count <= 0 { break }
            let state = connection.received(chunk.span.extracting(first: count), plain: &plain, reply: &reply)
            let answer = Self.copy(reply)
            reply.removeAll()
            if !answer.isEmpty { _ = write(peer, answer, answer.count) }
            if state != .handshaking, state != .open || !plain.isEmpty { break }
        }
        return (String(decoding: Self.copy(plain), as: UTF8.self), connection.keyIdentity)
    }

    private static func copy(_ buffer: borrowing ByteBuffer) -> [UInt8] {
        let bytes = buffer.bytes
        return (0..<bytes.count).map { bytes[$0] }
    }

    /// An authority, a client's certificate of its, and a list that revokes it or not.
    private func authority() throws -> TestCertificates {
        let files = try TestCertificates()
        try files.make("broker")
        try files.openssl(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=authority"
                + " -keyout ca.key -out ca.pem")
        for name in ["dev1", "dev2"] {
            try files.openssl(
                "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /O=plant/CN=\(name)"
                    + " -keyout \(name).key -out \(name).csr")
            try files.openssl(
                "x509 -req -in \(name).csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out \(name).pem")
        }
        let settings =
            "[ca]\ndefault_ca=own\n[own]\ndatabase=\(files.path)/index\ncertificate=\(files.path)/ca.pem\n"
            + "private_key=\(files.path)/ca.key\ndefault_md=sha256\ndefault_crl_days=2\n"
        try Data(settings.utf8).write(to: URL(filePath: files.path + "/ca.conf"))
        try Data().write(to: URL(filePath: files.path + "/index"))
        try files.openssl("ca -config ca.conf -gencrl -out none.crl")
        try files.openssl("ca -config ca.conf -revoke dev1.pem")
        try files.openssl("ca -config ca.conf -gencrl -out one.crl")
        return files
    }

    @Test("a certificate that is on the list is refused, by its name, and one that is not is accepted")
    func revokes() throws {
        let files = try authority()
        func connect(_ name: String, _ list: String?) throws -> TLSConnection {
            var material = TLSMaterial(
                certificateChain: try files.bytes("broker.pem"), privateKey: try files.bytes("broker.key"))
            material.clientAuthorities = try files.bytes("ca.pem")
            material.requiresClientCertificate = true
            material.revocations = try list.map { try files.bytes($0) }
            var mine = TLSClientMaterial()
            mine.authorities = try files.bytes("broker.pem")
            mine.certificateChain = try files.bytes("\(name).pem")
            mine.privateKey = try files.bytes("\(name).key")
            let server = TLSConnection(server: try TLSContext(material))
            let client = try TLSClientContext(mine, host: nil)
            shakeHands(server, TLSConnection(client: client, host: "broker"))
            return server
        }
        for list in [nil, "none.crl"] { #expect(try connect("dev1", list).state == .open) }
        guard case .failed(let failure) = try connect("dev1", "one.crl").state else {
            Issue.record("a revoked certificate is accepted")
            return
        }
        #expect(failure.description.contains("CN = dev1") && failure.description.contains("revoked"))
        let other = try connect("dev2", "one.crl")
        #expect(other.state == .open)
        #expect(other.peerCertificate?.distinguishedName == "CN=dev2,O=plant")
    }

    @Test("what is no list is refused, and so is a damaged one")
    func damaged() throws {
        let files = try authority()
        var material = TLSMaterial(
            certificateChain: try files.bytes("broker.pem"), privateKey: try files.bytes("broker.key"))
        material.clientAuthorities = try files.bytes("ca.pem")
        func reason(_ list: [UInt8]) -> String? {
            material.revocations = list
            do throws(TLSMaterialError) {
                _ = try TLSContext(material)
                return nil
            } catch {
                return error.part == .revocations ? error.reason : nil
            }
        }
        #expect(reason([]) == "holds no revocation list (PEM, '-----BEGIN X509 CRL-----')")
        #expect(reason(try files.bytes("ca.pem"))?.hasPrefix("holds no revocation list") == true)
        let list = try files.bytes("one.crl")
        #expect(reason(list + list.dropLast(60))?.hasPrefix("holds a damaged revocation list") == true)
    }
}

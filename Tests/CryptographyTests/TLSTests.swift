import Cryptography
import Foundation
import SluiceCore
import Testing

@Suite("TLS over bytes in memory")
struct TLSTests {
    private func error(_ material: TLSMaterial) -> TLSMaterialError? {
        do throws(TLSMaterialError) {
            _ = try TLSContext(material)
            return nil
        } catch { return error }
    }

    @Test("a certificate tells its subject and its end")
    func describes() throws {
        let files = try TestCertificates()
        try files.make("broker")
        let context = try TLSContext(
            TLSMaterial(certificateChain: files.bytes("broker.pem"), privateKey: files.bytes("broker.key")))
        #expect(context.subject == "O = plant, CN = broker")
        let left = Double(context.expirySeconds) - Date().timeIntervalSince1970
        #expect((86_400...2 * 86_400 + 60).contains(left))
    }

    @Test("material that does not fit is refused by the part that is wrong")
    func refusesMaterial() throws {
        let files = try TestCertificates()
        try files.make("one")
        try files.make("other")
        try files.openssl("ec -in one.key -aes128 -passout pass:secret -out encrypted.key")
        let good = TLSMaterial(certificateChain: try files.bytes("one.pem"), privateKey: try files.bytes("one.key"))
        #expect(error(good) == nil)
        var material = good
        material.privateKey = try files.bytes("other.key")
        #expect(error(material)?.part == .privateKey)
        #expect(error(material)?.reason == "is not the key of the certificate")
        material.privateKey = try files.bytes("encrypted.key")
        #expect(error(material)?.reason == "is encrypted with a passphrase, which nobody would be there to enter")
        material.privateKey = try files.bytes("one.pem")
        #expect(error(material)?.reason == "holds no private key (PEM, '-----BEGIN PRIVATE KEY-----')")
        material = good
        material.certificateChain = []
        #expect(error(material)?.part == .certificateChain)
        #expect(error(material)?.reason == "holds no certificate (PEM, '-----BEGIN CERTIFICATE-----')")
        material.certificateChain = good.certificateChain + good.certificateChain.dropLast(60)
        #expect(error(material)?.reason.hasPrefix("holds a damaged certificate: ") == true)
        material = good
        material.clientAuthorities = good.privateKey
        #expect(error(material)?.part == .clientAuthorities)
        material = good
        material.ciphers = "NOT-A-CIPHER"
        #expect(error(material)?.part == .ciphers)
        material.ciphers = "ECDHE+AESGCM"
        material.clientAuthorities = good.certificateChain
        #expect(error(material) == nil)
    }

    @Test(
        "what is no handshake fails with what it was, and nothing is given out",
        arguments: [
            (Array("GET / HTTP/1.1\r\n\r\n".utf8), "plain HTTP came instead of TLS"),
            ([0x10, 0x0C, 0, 4, 0x4D, 0x51, 0x54, 0x54, 4, 2, 0, 60, 0, 0], "what came is not TLS"),
        ])
    func fails(bytes: [UInt8], reason: String) throws {
        let files = try TestCertificates()
        try files.make("broker")
        let context = try TLSContext(
            TLSMaterial(certificateChain: files.bytes("broker.pem"), privateKey: files.bytes("broker.key")))
        let connection = TLSConnection(server: context)
        var plain = ByteBuffer()
        var reply = ByteBuffer()
        #expect(connection.received(bytes.span.extracting(first: 3), plain: &plain, reply: &reply) == .handshaking)
        let state = connection.received(bytes.span.extracting(droppingFirst: 3), plain: &plain, reply: &reply)
        guard case .failed(let failure) = state else {
            Issue.record("\(state)")
            return
        }
        #expect(failure.description == reason)
        #expect(plain.count == 0)
        connection.send(bytes.span, wire: &reply)
        connection.close(wire: &reply)
        #expect(connection.received(bytes.span, plain: &plain, reply: &reply) == state)
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

    @Test("a client's certificate tells whom it is of, also by the names beside the subject")
    func knowsClients() throws {
        let files = try TestCertificates()
        try files.make("broker")
        try files.openssl(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /O=plant/CN=old/CN=dev42"
                + " -addext subjectAltName=DNS:dev42.plant,email:a@plant,URI:spiffe://plant/dev42,IP:10.0.0.7"
                + ",IP:fe80::7,RID:1.2.3 -keyout dev42.key -out dev42.pem")
        var material = TLSMaterial(
            certificateChain: try files.bytes("broker.pem"), privateKey: try files.bytes("broker.key"))
        material.clientAuthorities = try files.bytes("dev42.pem")
        material.requiresClientCertificate = false
        let context = try TLSContext(material)
        var mine = TLSClientMaterial()
        mine.authorities = try files.bytes("broker.pem")
        let nameless = TLSConnection(server: context)
        shakeHands(nameless, TLSConnection(client: try TLSClientContext(mine, host: nil), host: "broker"))
        #expect(nameless.state == .open)
        #expect(nameless.peerCertificate == nil)
        mine.certificateChain = try files.bytes("dev42.pem")
        mine.privateKey = try files.bytes("dev42.key")
        let server = TLSConnection(server: context)
        #expect(server.peerCertificate == nil)
        let clientContext = try TLSClientContext(mine, host: nil)
        shakeHands(server, TLSConnection(client: clientContext, host: "broker"))
        #expect(server.state == .open)
        let certificate = try #require(server.peerCertificate)
        #expect(certificate.subject == "O = plant, CN = old, CN = dev42")
        #expect(certificate.commonName == "dev42")
        #expect(
            certificate.names.map { "\($0.kind) \($0.text)" } == [
                "dns dev42.plant", "email a@plant", "uri spiffe://plant/dev42", "address 10.0.0.7", "address fe80::7",
            ])
    }

    @Test("a name that holds a zero byte is no name: another program would see another one")
    func refusesZeroBytes() throws {
        let files = try TestCertificates()
        try files.make("broker")
        // A UTF8String and an IA5String with a zero byte in the middle, in DER.
        try files.openssl(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /O=plant"
                + " -addext subjectAltName=DER:30158206612E6200632E82056F6B2E646582046D6F7265"
                + " -keyout odd.key -out odd.pem")
        var material = TLSMaterial(
            certificateChain: try files.bytes("broker.pem"), privateKey: try files.bytes("broker.key"))
        material.clientAuthorities = try files.bytes("odd.pem")
        var mine = TLSClientMaterial()
        mine.authorities = try files.bytes("broker.pem")
        mine.certificateChain = try files.bytes("odd.pem")
        mine.privateKey = try files.bytes("odd.key")
        let server = TLSConnection(server: try TLSContext(material))
        let clientContext = try TLSClientContext(mine, host: nil)
        shakeHands(server, TLSConnection(client: clientContext, host: "broker"))
        let certificate = try #require(server.peerCertificate)
        #expect(certificate.commonName == nil)
        #expect(certificate.names.map(\.text) == ["ok.de", "more"])
    }
}
